#!/usr/bin/env bash
# Installs the C library, its headers and its pkg-config file under a prefix; below DESTDIR, where that is set.
# PROFILE=debug installs the debug build, for tests.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=${1:?usage: install.sh PREFIX}
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
profile=${PROFILE:-release}

flags=()
[ "$profile" = debug ] || flags=(--release)
cargo build --quiet --package sentinelle-c "${flags[@]}"
metadata=$(cargo metadata --no-deps --format-version 1)
built=$(sed 's/.*"target_directory":"\([^"]*\)".*/\1/' <<<"$metadata")/$profile
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)

root=${DESTDIR:-}$prefix
install -d "$root/lib/pkgconfig" "$root/include"
bindings-c/link.sh "$built" "$root/lib/libsentinelle.so.$version"
ln -sf "libsentinelle.so.$version" "$root/lib/libsentinelle.so.1"
ln -sf libsentinelle.so.1 "$root/lib/libsentinelle.so"
install -m 644 "$built/libsentinelle.a" "$root/lib/"
install -m 644 bindings-c/include/sentinelle.h bindings-c/include/sentinelle_ffi.h "$root/include/"
cat >"$root/lib/pkgconfig/sentinelle.pc" <<END
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: sentinelle
Description: Redis Sentinel as a library
Version: $version
Libs: -L\${libdir} -lsentinelle
Libs.private: -lgcc_s -lutil -lrt -lpthread -lm -ldl
Cflags: -I\${includedir}
END
