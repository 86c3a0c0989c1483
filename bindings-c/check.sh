#!/usr/bin/env bash
# What a change of the bindings for C and PHP must satisfy beside its tests: shell and PHP that parse. Changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

bindings-c/setup.sh
git ls-files -z 'bindings-c/*.sh' | xargs -0 -n 1 bash -n
git ls-files -z 'bindings-c/*.php' 'examples/php/*.php' | xargs -0 -n 1 php -l | { grep -v '^No syntax errors' || true; }
