#!/usr/bin/env bash
# What a change of the package must satisfy: types, lint, format. Changes nothing in the repository.
set -euo pipefail
cd "$(dirname "$0")"

./setup.sh
npx --no-install tsc --project tsconfig.json
npx --no-install biome check --error-on-warnings
