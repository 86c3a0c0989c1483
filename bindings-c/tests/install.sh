#!/usr/bin/env bash
# Installs the library into a folder of its own and builds programs against it as users do. $1 is the folder of the library
# that cargo left. The last line counts.
set -uo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

check() {
    local sentence=$1
    shift
    if "$@"; then
        echo "ok - $sentence"
        passed=$((passed + 1))
    else
        echo "not ok - $sentence"
        failed=$((failed + 1))
    fi
}

cat >"$work/program.c" <<'END'
#include <sentinelle.h>
#include <stdio.h>

int main(void) {
    printf("%s %d\n", snl_version(), (int)snl_abi());
    return snl_abi() == 1 ? 0 : 1;
}
END

install_it() {
    PROFILE=debug make --silent -C .. install PREFIX="$work/prefix"
}

links_dynamically() {
    export PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig
    # shellcheck disable=SC2046  # the flags are words
    gcc -Wall -Werror "$work/program.c" -o "$work/dynamic" $(pkg-config --cflags --libs sentinelle) &&
        LD_LIBRARY_PATH=$work/prefix/lib "$work/dynamic"
}

links_statically() {
    # shellcheck disable=SC2046
    gcc -Wall -Werror "$work/program.c" -o "$work/static" $(pkg-config --cflags sentinelle) \
        "$work/prefix/lib/libsentinelle.a" $(pkg-config --static --libs-only-l sentinelle | sed 's/-lsentinelle//') &&
        env -u LD_LIBRARY_PATH "$work/static"
}

tells_the_version() {
    [ "$(pkg-config --modversion sentinelle)" = "$("$work/dynamic" | cut -d ' ' -f 1)" ]
}

versions_are_told() {
    diff <(sed 's/$/@@SENTINELLE_1/' include/symbols.txt | LC_ALL=C sort) \
        <(nm -D --with-symbol-versions --defined-only "$library" | awk '$2 == "T" { print $3 }' | LC_ALL=C sort)
}

stays_loaded() {
    readelf -d "$library" | grep -q 'SONAME.*\[libsentinelle.so.1\]' && readelf -d "$library" | grep -q 'NODELETE'
}

# Linked with the library that cargo leaves, whose symbols have no version.
older_programs_run() {
    gcc -Iinclude "$work/program.c" -o "$work/older" -L"$1" -lsentinelle && "$work/older"
}

survives_a_failover() {
    # shellcheck disable=SC2046
    gcc ../examples/c/in_your_tests.c -o "$work/group" $(pkg-config --cflags --libs sentinelle) &&
        timeout 120 "$work/group"
}

library=$work/prefix/lib/libsentinelle.so.1
export LD_LIBRARY_PATH=$work/prefix/lib
check "make install puts library, headers and pkg-config file in place" install_it
check "a program is built with pkg-config and finds the library" links_dynamically
check "the pkg-config file tells the library's version" tells_the_version
check "a program with the static library needs nothing else" links_statically
check "each symbol has the version SENTINELLE_1" versions_are_told
check "the library tells its SONAME and stays loaded" stays_loaded
check "a program that was linked without versions runs" older_programs_run "$1"
check "a group fails over in a program with the installed library" survives_a_failover

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
