#!/usr/bin/env bash
# Runs the Java tests against the library in the folder $1: through JNA on the Java of this machine, and through the platform's
# foreign function interface when a Java of version 22 or later is installed too.
# The last line is `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")"
export SENTINELLE_LIBRARY=$1/libsentinelle.so

output=target/test-output.txt
mkdir -p target
: >"$output"

run() {
    mvn -B -Dstyle.color=never test "$@" 2>&1 | tee -a "$output" | grep -E '^\[(INFO|ERROR)\] (Tests run:|.*Test\.|BUILD)|ERROR' || true
}

run
for java in /usr/lib/jvm/*/bin/java; do
    version=$("$java" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p')
    if [ "${version:-0}" -ge 22 ]; then
        run -Djvm="$java" -DargLine=--enable-native-access=ALL-UNNAMED
        break
    fi
done

awk '
    /^\[(INFO|ERROR|WARNING)\] Tests run: .*[0-9]$/ {
        gsub(",", "")
        run += $4; failed += $6 + $8; skipped += $10
    }
    END { printf "%d passed, %d failed\n", run - failed - skipped, failed; exit failed > 0 || run == 0 }
' "$output"
