#!/usr/bin/env bash
# Measures the bindings for C, PHP and Java beside real groups, with the release build, each against its peer in turns.
# `run.sh calls` and `run.sh failover` do one half. PROFILE=debug takes the debug build.
# Peers: libhiredis-dev and php-redis of the system, Jedis of Maven.
set -euo pipefail
cd "$(dirname "$0")/../.."

what=${1:-calls failover}
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
linked=(-L"$library" -lsentinelle)
"${compile[@]}" bindings-c/benches/bare.c -o "$work/bare" "${linked[@]}" -lhiredis
"${compile[@]}" bindings-c/benches/calls.c -o "$work/calls" "${linked[@]}" -lhiredis
"${compile[@]}" bindings-c/benches/failover.c -o "$work/failover" "${linked[@]}"
mvn -B -q -f bindings-c/java/pom.xml compile dependency:build-classpath -Dmdep.outputFile="$work/classpath"
classes=bindings-c/java/target/classes:$(cat "$work/classpath")
javac -cp "$classes" -d "$work" bindings-c/benches/*.java

# The Java of the machine, which goes through JNA, and one of version 22 or later, which goes through the platform's interface.
javas=(java)
for java in "${SENTINELLE_JAVA_22:-}" /usr/lib/jvm/*/bin/java; do
    [ -x "$java" ] || continue
    version=$("$java" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p')
    [ "${version:-0}" -lt 22 ] || { javas+=("$java"); break; }
done

for half in $what; do
    case $half in
        calls)
            "$work/bare" "$work/calls"
            "$work/bare" php bindings-c/benches/calls.php
            for java in "${javas[@]}"; do
                "$work/bare" "$java" -cp "$work:$classes" Calls 2>/dev/null
            done
            ;;
        failover)
            "$work/failover"
            php bindings-c/benches/failover.php
            java -cp "$work:$classes" Failover
            ;;
        *) echo "neither calls nor failover: $half" >&2; exit 1 ;;
    esac
done
