#!/usr/bin/env bash
# Builds the wheels, installs the one for this Python beside redis-py and hiredis in a folder of their own, and measures.
set -euo pipefail
cd "$(dirname "$0")/.."

./wheels.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder"
wheel=$(echo ../target/wheels/sentinelle-*-cp310-abi3-*.whl)
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
    --requirement <(grep -E '^(redis|hiredis)==' requirements.txt) "$wheel"
"$folder/bin/python" benches/clients.py "$@"
