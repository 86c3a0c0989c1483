#!/usr/bin/env bash
# Runs the tests of the Python package; the last line counts them.
set -uo pipefail
cd "$(dirname "$0")"

./setup.sh || { echo "0 passed, 1 failed"; exit 1; }
../.venv/bin/python -m pytest --numprocesses 2 "$@" | tee ../target/pytest.txt
status=${PIPESTATUS[0]}
count() { grep -oE "[0-9]+ $1" <<<"$(tail -n 1 ../target/pytest.txt)" | grep -oE '[0-9]+' || echo 0; }
echo "$(count passed) passed, $(($(count failed) + $(count 'errors?'))) failed"
exit "$status"
