#!/usr/bin/env bash
# Holds the functions that the library exports against include/symbols.txt, and its name against the one programs look for.
set -uo pipefail
cd "$(dirname "$0")/.."

library=$1/libsentinelle.so
failed=0

exported=$(nm -D --defined-only "$library" | awk '$2 == "T" { print $3 }' | LC_ALL=C sort)
if diff <(LC_ALL=C sort include/symbols.txt) <(printf '%s\n' "$exported"); then
    echo "ok - the library exports what symbols.txt says and nothing else"
else
    echo "not ok - the library exports what symbols.txt says and nothing else"
    failed=$((failed + 1))
fi

if readelf -d "$library" | grep -q 'SONAME.*\[libsentinelle.so.1\]'; then
    echo "ok - programs find the library as libsentinelle.so.1"
else
    echo "not ok - programs find the library as libsentinelle.so.1"
    failed=$((failed + 1))
fi

printf '%d passed, %d failed\n' $((2 - failed)) "$failed"
[ "$failed" = 0 ]
