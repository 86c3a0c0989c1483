#!/usr/bin/env bash
# Builds the library, then runs the suites of C and of the languages above it. The last line counts all their tests.
set -uo pipefail
cd "$(dirname "$0")/.."

bindings-c/setup.sh >&2 || { printf '0 passed, 1 failed\n'; exit 1; }
cargo build --quiet --package sentinelle-c >&2 || { printf '0 passed, 1 failed\n'; exit 1; }
library=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug

# Each is called with the folder of the library; its last line is `N passed, N failed`.
suites=(
    bindings-c/tests/symbols.sh
    bindings-c/tests/c/run.sh
    bindings-c/tests/install.sh
    bindings-c/tests/examples.sh
    bindings-c/php/test.sh
    bindings-c/java/test.sh
)

output=$(mktemp)
trap 'rm -f "$output"' EXIT
passed=0
failed=0
for suite in "${suites[@]}"; do
    [ -x "$suite" ] || continue
    printf '\n# %s\n' "$suite"
    "$suite" "$library" 2>&1 | tee "$output"
    status=${PIPESTATUS[0]}
    [[ $(tail -n 1 "$output") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] || BASH_REMATCH=(0 0 0)
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    if [ "$status" != 0 ] && [ "${BASH_REMATCH[2]}" = 0 ]; then
        echo "not ok - $suite ends with status $status"
        failed=$((failed + 1))
    fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
