#!/usr/bin/env bash
# Builds and runs every example of C and PHP, and every example of the README, beside a real group. The last line counts.
set -uo pipefail
cd "$(dirname "$0")/../.."

library=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH=$work SENTINELLE_LIBRARY=$library/libsentinelle.so
ln -s "$library/libsentinelle.so" "$work/libsentinelle.so.1"
passed=0
failed=0

build() {
    gcc -std=c99 -pedantic -Wall -Wextra -Werror -Ibindings-c/include "$1" -o "$2" -L"$library" -lsentinelle -lpthread
}

# Runs a command, and wants a word in what it prints unless the word is empty.
check() {
    local sentence=$1 word=$2
    shift 2
    if timeout 120 "$@" >"$work/output" 2>&1 && { [ -z "$word" ] || grep -q -- "$word" "$work/output"; }; then
        echo "ok - $sentence"
        passed=$((passed + 1))
    else
        tail -n 20 "$work/output" | sed 's/^/# /'
        echo "not ok - $sentence"
        failed=$((failed + 1))
    fi
}

# What a group's URL is needed for is told by SENTINELLE_URL.
with_url() {
    printf 'exec %s "$SENTINELLE_URL" mymaster' "$1"
}

stage=$work/stage
build bindings-c/tests/stage.c "$stage" || failed=$((failed + 1))
for source in examples/c/*.c; do
    build "$source" "$work/$(basename "$source" .c)" || failed=$((failed + 1))
done

check "examples/c/discover finds the master" '^master ' "$stage" sh -c "$(with_url "$work/discover")"
check "examples/c/pool runs commands" 'together: \[1,"hello"\]' "$stage" sh -c "$(with_url "$work/pool")"
check "examples/c/watch sees the switch" '^switched' "$stage" --failover sh -c "$(with_url "$work/watch")"
check "examples/c/embed hears its events" '^+monitor' "$work/embed" mymaster 127.0.0.1 1 1
check "examples/c/in_your_tests survives a failover" 'has survived' "$work/in_your_tests"

check "examples/php/discover finds the master" '^master ' "$stage" sh -c "$(with_url "php examples/php/discover.php")"
check "examples/php/pool runs commands" 'hello, visitor 1' "$stage" sh -c "$(with_url "php examples/php/pool.php")"
check "examples/php/watch sees the switch" '^switched' "$stage" --failover sh -c "$(with_url "php examples/php/watch.php")"
check "examples/php/embed hears its events" '^+monitor' php examples/php/embed.php 1
check "examples/php/in_your_tests is a test suite" 'OK (2 tests' \
    phpunit --no-configuration --do-not-cache-result examples/php/in_your_tests.php

# Each whole program of a README, with the group's URL in the place of the one it shows.
examples() {
    local file=$1 language=$2
    awk -v start="^\`\`\`$language\$" -v name="$work/readme-$language-" '
        $0 ~ start { number++; inside = 1; next }
        /^```$/ { inside = 0 }
        inside { print > (name number "." substr(start, 5, length(start) - 5)) }
    ' "$file"
}
examples bindings-c/README.md c
for source in "$work"/readme-c-*.c; do
    number=$(basename "$source" .c)
    sed -i 's|"redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/mymaster"|getenv("SENTINELLE_URL")|' "$source"
    build "$source" "$work/$number" || { failed=$((failed + 1)); continue; }
    check "bindings-c/README.md: program $number runs" '' "$stage" "$work/$number"
done
examples bindings-c/php/README.md php
for source in "$work"/readme-php-*.php; do
    number=$(basename "$source" .php)
    sed -i "s|'redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/mymaster'|getenv('SENTINELLE_URL')|
        s|require 'vendor/autoload.php';|require '$PWD/bindings-c/php/autoload.php';|" "$source"
    check "bindings-c/php/README.md: program $number runs" '' "$stage" php "$source"
done

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
