#!/usr/bin/env bash
# Builds the native part, then runs every test of the package. The last line counts them.
set -uo pipefail
cd "$(dirname "$0")"

./setup.sh >&2 || { printf '0 passed, 1 failed\n'; exit 1; }
npx --no-install napi build --platform --no-js --dts generated.d.ts >&2 || { printf '0 passed, 1 failed\n'; exit 1; }

output=$(mktemp)
trap 'rm -f "$output"' EXIT
# One file at a time: each has servers of its own, and the machine has few cores.
# A test that hangs is a test that failed: the limit is far beyond what any takes.
node --test --test-concurrency=1 --test-timeout=600000 --test-reporter=spec --test-reporter-destination=stderr \
    --test-reporter=tap --test-reporter-destination="$output" test/*.test.*js
status=$?
passed=$(awk '/^# pass /{ print $3 }' "$output")
failed=$(awk '/^# (fail|cancelled) /{ sum += $3 } END { print sum + 0 }' "$output")
[ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
printf '%d passed, %d failed\n' "${passed:-0}" "$failed"
exit "$status"
