#!/usr/bin/env bash
# Makes the packages that are published, as archives in the folder it is given: the main one, and one for each platform
# whose native part lies here (`npm run build` makes this machine's). Prints their names, the main one first.
set -euo pipefail
cd "$(dirname "$0")"

[ $# = 1 ] || { printf 'usage: pack.sh FOLDER\n' >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

cp -r package.json lib esm types bin README.md ../LICENSE "$stage"
npx --no-install napi create-npm-dirs --cwd "$stage" >&2
version=$(node -p 'require("./package.json").version')
for target in "$stage"/npm/*; do
    # The main package names them all; npm installs the one that fits and passes over the others.
    (cd "$stage" && npm pkg set "optionalDependencies.sentinelle-${target##*/}=$version")
done
(cd "$stage" && npm pack --silent --pack-destination "$folder")
for native in sentinelle.*.node; do
    target=${native#sentinelle.}
    target=$stage/npm/${target%.node}
    [ -d "$target" ] || { printf 'no package is planned for %s\n' "$native" >&2; exit 1; }
    cp "$native" "$target"
    (cd "$target" && npm pack --silent --pack-destination "$folder")
done
