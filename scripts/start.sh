#!/bin/sh
# `npm start`: set the machine up, bring up a three-node lab, and say what to try next.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
printf 'kubelab: setting up\n'
sh "$root/scripts/setup.sh"
exec "$root/bin/kubelab" up "$@"
