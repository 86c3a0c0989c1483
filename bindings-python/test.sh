#!/usr/bin/env bash
# Runs the tests of the Python package, those of the mirrors with every redis-py they are for; the last line counts them.
set -uo pipefail
cd "$(dirname "$0")"

older=(5.0.8 6.4.0 7.4.1)
python=../.venv/bin/python
output=../target/pytest.txt
passed=0
failed=0
status=0

count() { grep -oE "[0-9]+ $1" <<<"$(tail -n 1 "$output")" | grep -oE '[0-9]+' || echo 0; }
run() {
    "$python" -m pytest --numprocesses 2 "$@" | tee "$output"
    [ "${PIPESTATUS[0]}" = 0 ] || status=1
    passed=$((passed + $(count passed)))
    failed=$((failed + $(count failed) + $(count 'errors?')))
}

./setup.sh || { echo "0 passed, 1 failed"; exit 1; }
run "$@"
for version in "${older[@]}"; do
    folder=../target/redis/$version
    [ -d "$folder/redis" ] ||
        "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder" "redis==$version"
    printf '\n# redis-py %s\n' "$version"
    PYTHONPATH=$PWD/$folder run tests/mirror
done
echo "$passed passed, $failed failed"
exit "$status"
