#!/usr/bin/env bash
# Runs every test and ends with one line that counts them all. Fails when a test fails, or when none was run.
set -uo pipefail
cd "$(dirname "$0")/.."

summary=target/test-summary.txt
output=target/test-output.txt
mkdir -p target
rm -f "$summary"

cargo test --workspace --no-fail-fast "$@" 2>&1 | tee "$output"
status=${PIPESTATUS[0]}

# Each binding counts its own: the last line of its test.sh is `N passed, N failed`.
for suite in bindings-*/test.sh; do
    [ -x "$suite" ] || continue
    printf '\n# %s\n' "$suite"
    "$suite" 2>&1 | tee "$output.binding"
    [ "${PIPESTATUS[0]}" = 0 ] || status=1
    line=$(tail -n 1 "$output.binding")
    [[ $line =~ ^[0-9]+\ passed,\ [0-9]+\ failed$ ]] || { echo "$suite: the last line is no count: $line"; status=1; }
    printf '%s\n' "$line" >>"$output"
done

awk '
    /^test result: / { passed += $4; failed += $6 }
    /^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
    END { printf "%d passed, %d failed\n", passed, failed; exit passed == 0 }
' "$output" >"$summary" || status=1
cat "$summary"
exit "$status"
