#!/usr/bin/env bash
# Builds the wheels of this platform into target/wheels, and fails when one is not what it has to be or too large.
#
# One is for every Python since 3.10 (abi3), one for the free-threaded Python 3.14. Both come from the one pyproject.toml;
# the second needs no such Python: it is enough that maturin is told what it would say of itself.
set -euo pipefail
cd "$(dirname "$0")"

largest=6000000
wheels=../target/wheels
free_threaded=python3.14t

./setup.sh
bin=$(cd ../.venv/bin && pwd)
rm -rf "$wheels"

# Prints what the free-threaded Python would print for maturin's question, which is put to the Python that is there.
describe_free_threaded() {
    cat <<SCRIPT
#!/usr/bin/env bash
"$bin/python" "\$@" | "$bin/python" -c '
import json, sys
facts = json.load(sys.stdin)
name = "cpython-314t-" + facts["soabi"].split("-", 2)[2]
facts.update(major=3, minor=14, abiflags="t", soabi=name, ext_suffix=f".{name}.so", abi_tag="314t", gil_disabled=True)
print(json.dumps(facts))
'
SCRIPT
}

if ! command -v "$free_threaded" >/dev/null; then
    stand_in=$(mktemp -d)
    trap 'rm -rf "$stand_in"' EXIT
    describe_free_threaded >"$stand_in/$free_threaded"
    chmod +x "$stand_in/$free_threaded"
    free_threaded=$stand_in/$free_threaded
fi
for python in "$bin/python" "$free_threaded"; do
    "$bin/maturin" build --release --quiet --interpreter "$python" --out "$wheels"
done

for tag in cp310-abi3 cp314-cp314t; do
    wheel=$(compgen -G "$wheels/sentinelle-*-$tag-*.whl") || { echo "there is no wheel for $tag"; exit 1; }
    size=$(stat -c %s "$wheel")
    echo "$size bytes: ${wheel##*/}"
    [ "$size" -le "$largest" ] || { echo "it is larger than $largest bytes"; exit 1; }
done
