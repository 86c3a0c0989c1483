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

awk '
    /^test result: / { passed += $4; failed += $6 }
    END { printf "%d passed, %d failed\n", passed, failed; exit passed == 0 }
' "$output" >"$summary" || status=1
cat "$summary"
exit "$status"
