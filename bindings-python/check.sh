#!/usr/bin/env bash
# What a change of the Python package must satisfy; changes nothing in the repository.
set -euo pipefail
cd "$(dirname "$0")"

./setup.sh
bin=../.venv/bin
"$bin/ruff" check . ../examples/python
"$bin/ruff" format --check . ../examples/python
"$bin/mypy" python/sentinelle ../examples/python
"$bin/pyright" --pythonpath "$bin/python" ../examples/python
"$bin/python" -m mypy.stubtest sentinelle --mypy-config-file pyproject.toml --allowlist stubtest-allowlist.txt
