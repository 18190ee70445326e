#!/bin/sh
# `npm run ok`: format, lint, types, architecture and unit tests. What to run before every commit.
set -eu
cd "$(dirname "$0")/.."
npx oxfmt --check
npx oxlint --type-aware
npx tsc -p tsconfig.json
npx vitest run --project unit "$@"
