#!/usr/bin/env bash
# Installs the library into a folder of its own and builds programs against it as users do. The last line counts.
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

export LD_LIBRARY_PATH=$work/prefix/lib
check "make install puts library, headers and pkg-config file in place" install_it
check "a program is built with pkg-config and finds the library" links_dynamically
check "the pkg-config file tells the library's version" tells_the_version
check "a program with the static library needs nothing else" links_statically

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
