#!/bin/sh
# `npm test`: set the machine up, then run every test. Ends with a line `N passed, N failed`.
set -eu
cd "$(dirname "$0")/.."
echo 'kubelab: setting up'
sh scripts/setup.sh --tests
report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
npx oxfmt --check || status=1
npx oxlint --type-aware --quiet || status=1
npx tsc -p tsconfig.json || status=1
npx vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@" || status=1
node -e '
  const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))
  // A file that cannot even be loaded has no failed test, but the run failed all the same.
  console.log(`${report.numPassedTests} passed, ${report.numFailedTests || (report.success ? 0 : 1)} failed`)
' "$report" || status=1
exit $status
