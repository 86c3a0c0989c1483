#!/usr/bin/env bash
# Links the shared library that is installed, from the static one in the folder $1, to the file $2: each of its symbols has
# the version SENTINELLE_1, so that a later library with changed functions can keep these beside them.
#
# It is a step of its own because rustc links a shared library with a version script without a name, beside which a linker
# takes no other one. The library that cargo leaves is the same but for the versions; programs linked with it run with this one.
set -euo pipefail
here=$(dirname "$0")

cc -shared -o "$2" \
    -Wl,--whole-archive "$1/libsentinelle.a" -Wl,--no-whole-archive \
    -Wl,--version-script="$here/include/sentinelle.map" \
    -Wl,-soname,libsentinelle.so.1 -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,--gc-sections -Wl,--strip-debug \
    -Wl,--as-needed -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
