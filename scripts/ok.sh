#!/bin/sh
# `npm run ok`: format, lint, types, architecture and unit tests. What to run before every commit.
# The tests show what they do; the checks run beside them, and tell what they found when the tests are done.
set -eu
cd "$(dirname "$0")/.."
# The checkers are Go and live for seconds: less collecting is a third less work for them.
export GOGC=400
# The same for what Node compiles of the tools; test/compile-cache.ts does it for the tests.
export NODE_COMPILE_CACHE="$PWD/node_modules/.cache/compiled"
# Each run compiles the test files under names of its own: those of other days go.
find "$NODE_COMPILE_CACHE" -type f -mtime +0 -delete 2>/dev/null || true
# npx costs half a second each time.
export PATH="$PWD/node_modules/.bin:$PATH"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
oxfmt --check >"$out/format" 2>&1 & format=$!
oxlint --type-aware >"$out/lint" 2>&1 & lint=$!
tsc -p tsconfig.json >"$out/types" 2>&1 & types=$!

failed=0
vitest run --project unit "$@" || failed=1
# What a check has to say is of interest only when it failed.
report() {
  if wait "$2"; then echo "✓ $1"; else
    cat "$out/$1"
    echo "✗ $1"
    failed=1
  fi
}
report format $format
report lint $lint
report types $types
exit $failed
