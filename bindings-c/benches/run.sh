#!/usr/bin/env bash
# Measures the bindings for C and PHP beside a real group, with the release build. PROFILE=debug takes the debug build.
set -euo pipefail
cd "$(dirname "$0")/../.."

profile=${PROFILE:-release}
flags=()
[ "$profile" = debug ] || flags=(--release)
cargo build --quiet --package sentinelle-c "${flags[@]}"
library=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/$profile
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$library/libsentinelle.so" "$work/libsentinelle.so.1"
export LD_LIBRARY_PATH=$work SENTINELLE_LIBRARY=$library/libsentinelle.so

compile=(gcc -std=c99 -O2 -Wall -Wextra -Werror -Ibindings-c/include)
"${compile[@]}" bindings-c/tests/stage.c -o "$work/stage" -L"$library" -lsentinelle
"$work/stage" php bindings-c/benches/calls.php
if pkg-config --exists hiredis; then
    "${compile[@]}" bindings-c/benches/calls.c -o "$work/calls" -L"$library" -lsentinelle -lhiredis
    "$work/stage" "$work/calls"
else
    echo "for the comparison in C please install libhiredis-dev"
fi
php bindings-c/benches/failover.php
