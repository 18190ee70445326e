#!/bin/sh
# `npm test`: set the machine up, then run every test. Ends with a line `N passed, N failed`.
set -eu
cd "$(dirname "$0")/.."
echo 'kubelab: setting up'
sh scripts/setup.sh --tests
report=$(mktemp)
trap 'rm -f "$report"' EXIT
checks=
# A check is one thing that passes or fails, as a test is: it is counted in the last line, and named above it.
check() {
  name=$1
  shift
  if "$@"; then checks="$checks +"; else
    checks="$checks -"
    failed="${failed:-}$name failed
"
  fi
}
check 'format (npm run format mends it)' npx oxfmt --check
check 'lint' npx oxlint --type-aware --quiet
check 'types' npx tsc -p tsconfig.json
# The report says which tests failed. A run that fails without a failed test (an error between tests, a file that
# cannot be loaded) is a failure of its own.
check 'tests' npx vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@"
printf '%s' "${failed:-}"
node -e '
  const [file, ...checks] = process.argv.slice(1)
  const tests = JSON.parse(require("fs").readFileSync(file, "utf8") || "{}")
  const failed = checks.filter((check) => check === "-").length
  const passed = (tests.numPassedTests ?? 0) + checks.length - failed
  // The run of a failed test fails with it: one failure, not two.
  const both = tests.numFailedTests > 0 ? tests.numFailedTests - 1 : 0
  console.log(`${passed} passed, ${failed + both} failed`)
  process.exitCode = failed > 0 ? 1 : 0
' "$report" $checks
