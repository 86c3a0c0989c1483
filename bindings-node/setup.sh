#!/usr/bin/env bash
# Installs the packages that the lock file names, when they are not there yet, and lets the examples find this one.
set -euo pipefail
cd "$(dirname "$0")"

command -v node >/dev/null || { printf 'please install Node.js 20 or newer\n' >&2; exit 1; }
if ! cmp -s package-lock.json node_modules/.sentinelle-lock; then
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.sentinelle-lock
fi
# The examples use the package as it lies here.
mkdir -p ../examples/node/node_modules
ln -sfn ../../../bindings-node ../examples/node/node_modules/sentinelle
