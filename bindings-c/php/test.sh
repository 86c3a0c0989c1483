#!/usr/bin/env bash
# Runs the tests of the PHP package. The last line counts them.
set -uo pipefail
cd "$(dirname "$0")"

export SENTINELLE_LIBRARY=$1/libsentinelle.so
report=$(mktemp)
trap 'rm -f "$report"' EXIT

phpunit --bootstrap tests/bootstrap.php --log-junit "$report" --no-configuration --do-not-cache-result --testdox tests
status=$?
counts=$(php -r '
    $all = @simplexml_load_file($argv[1])->testsuite ?? null;
    $failed = $all === null ? 1 : (int) $all["errors"] + (int) $all["failures"] + (int) $all["skipped"] + (int) $all["warnings"];
    printf("%d passed, %d failed", $all === null ? 0 : (int) $all["tests"] - $failed, $failed);
' "$report")
[ "$status" = 0 ] || [[ $counts != *", 0 failed" ]] || counts=${counts%, 0 failed}", 1 failed"
printf '%s\n' "$counts"
exit "$status"
