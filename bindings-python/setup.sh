#!/usr/bin/env bash
# Installs into .venv what the tests and checks of the Python package need, and builds the package into it.
# Quick when nothing is missing and nothing has changed.
set -euo pipefail
cd "$(dirname "$0")"

../tests/setup.sh
venv=../.venv
wanted=$(sha256sum requirements.txt)
if [ "$(cat "$venv/python-requirements" 2>/dev/null)" != "$wanted" ]; then
    echo "installing the tools of the Python package into .venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
    echo "$wanted" >"$venv/python-requirements"
fi
VIRTUAL_ENV=$(cd "$venv" && pwd) CARGO_TARGET_DIR=../target "$venv/bin/maturin" develop --quiet
