#!/usr/bin/env bash
# Makes this checkout ready: ./setup.sh && npx clonebox --help
#
#   ./setup.sh              system packages (apt, as root or through sudo), Node, npm packages, build
#   ./setup.sh --no-system  everything but the system packages
#
# It may be run again at any time: what is in place stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly packages=(
  qemu-system-x86 qemu-utils mmdebstrap passt openssh-client util-linux uidmap e2fsprogs
  ca-certificates xz-utils git curl gpgv busybox-static cpio xorriso gnupg procps strace
)

# A Node of our own, for systems that have none or an old one. It comes from the npm registry, so
# whoever can install the dependencies can fetch it too. `npm view NAME@VERSION dist.integrity`
# gives the sums, in base64.
readonly node_version=22.23.3
readonly node_sha512_x64=a879f3e6d16c1e88ff58cfae4443558d638d8b9855be6c2b82af00e15efa2a9b95340738fa3c0af31e20c1ba1b13d06d1cd83f00a476e7cdde628acb17f73b9e
readonly node_sha512_arm64=9770c01d9adeca5a3ea7d4170edb0eae31b625726a5736179c01a621034e50d01170ca694ced9c99ec1540ffb7ead8c99d213e773a4c36d816f9cde8883bd7b4
readonly npm_version=10.9.9
readonly npm_sha512=d60fba8cb42f688b81e33c2f1cbef2ad7b977166700ec0ad057f1b6d60ea6ef2524abf673e20c35931cd8305d1dbb8887134d6eefdc0e7b8435bd458bf65b862

readonly private_node=$PWD/.node
readonly path_of_caller=$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch" "$private_node.tmp"' EXIT

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

# Runs a command and shows what it printed only when it fails.
quietly() {
  "$@" >"$scratch/output" 2>&1 || {
    cat "$scratch/output" >&2
    local command=$*
    fail "failed: ${command#as_root }"
  }
}

# ---- system packages

missing_packages() {
  local name
  for name in "${packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "no apt here; CloneBox needs what Debian calls: ${packages[*]}"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} = 0 ]; then
    say 'system packages: all there'
    return
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    fail "these packages are missing: ${missing[*]}" \
      "as root: apt-get install --no-install-recommends ${missing[*]}" \
      'or go on without them: ./setup.sh --no-system'
  fi
  say "system packages: installing ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  as_root "${apt[@]}" update >"$scratch/output" 2>&1 ||
    say 'apt-get update failed; trying with the lists that are here'
  quietly as_root "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

# ---- Node

is_new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' >/dev/null 2>&1
}

# True when a caller with this PATH gets a node that is new enough, and an npm with it.
serves() {
  local node
  node=$(PATH=$1 type -P node) && PATH=$1 type -P npx >/dev/null &&
    is_new_enough "$node" && env PATH="$1" npm --version >/dev/null 2>&1
}

# The public registry's address is npm's to know. Where no npm is installed, Debian's package of it is asked: one
# small download, unpacked and thrown away.
registry_of_npm() {
  local folder=$scratch/npm-package
  mkdir -p "$folder"
  (cd "$folder" && apt-get -qq download npm && dpkg-deb -x npm_*.deb .) >/dev/null 2>&1
  sed -n "s/^ *registry: '\(https:[^']*\)'.*/\1/p" \
    "$folder"/usr/share/nodejs/npm/node_modules/npm-registry-fetch/lib/default-opts.js 2>/dev/null | grep .
}

registry() {
  local url=''
  if command -v npm >/dev/null; then url=$(npm config get registry 2>/dev/null | tail -n 1) || url=''; fi
  [ -n "$url" ] || url=${npm_config_registry:-${NPM_CONFIG_REGISTRY:-}}
  if [ -z "$url" ] && [ -r "${HOME:-/root}/.npmrc" ]; then
    url=$(sed -n 's/^[[:space:]]*registry[[:space:]]*=[[:space:]]*//p' "${HOME:-/root}/.npmrc" | tail -n 1)
  fi
  [ -n "$url" ] || url=$(registry_of_npm) || fail 'found no npm registry: set npm_config_registry to its address'
  printf '%s\n' "${url%/}"
}

# fetch_package NAME VERSION SHA512 FOLDER [FILE...]: unpacks a package, or some of its files.
fetch_package() {
  local name=$1 version=$2 sum=$3 folder=$4 file=$scratch/$1.tgz
  shift 4
  curl -fsSL --retry 3 -o "$file" "$registry_url/$name/-/$name-$version.tgz" ||
    fail "cannot fetch $name $version from $registry_url"
  echo "$sum  $file" | sha512sum --check --status ||
    fail "$name $version from $registry_url has the wrong checksum; nothing of it was used"
  mkdir -p "$folder"
  tar -xzf "$file" --no-same-owner --strip-components=1 -C "$folder" "${@/#/package/}"
}

fetch_node() {
  local arch sum registry_url tool
  case $(uname -m) in
    x86_64) arch=x64 sum=$node_sha512_x64 ;;
    aarch64) arch=arm64 sum=$node_sha512_arm64 ;;
    *) fail "there is no ready-made Node for $(uname -m): install Node 20.19 or newer yourself" ;;
  esac
  for tool in curl tar gzip sha512sum; do
    command -v "$tool" >/dev/null || fail "$tool is missing: it is needed to fetch Node"
  done
  registry_url=$(registry)
  say "fetching Node $node_version into .node/, since the system's is missing or older than 20.19"
  local fresh=$private_node.tmp
  rm -rf "$fresh"
  fetch_package "node-linux-$arch" "$node_version" "$sum" "$fresh" bin/node LICENSE
  fetch_package npm "$npm_version" "$npm_sha512" "$fresh/lib/node_modules/npm"
  chmod 755 "$fresh/bin/node"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$fresh/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$fresh/bin/npx"
  chmod 755 "$fresh"/lib/node_modules/npm/bin/np[mx]-cli.js
  "$fresh/bin/node" --version >/dev/null || fail 'the fetched Node does not run on this system'
  rm -rf "$private_node"
  mv "$fresh" "$private_node"
}

provide_node() {
  if serves "$path_of_caller"; then
    say "Node $(node --version) of this system"
    return
  fi
  if [ "$("$private_node/bin/node" --version 2>/dev/null)" != "v$node_version" ]; then fetch_node; fi
  export PATH=$private_node/bin:$PATH
  hash -r
  say "Node $(node --version) in .node/"
}

# Links the private Node into a folder of the caller's PATH, for the npx and npm that follow in
# the caller's line. Nothing that is there is replaced, and no folder will do that comes after an
# old node: it would be found first.
link_node() {
  local folder name
  local -a path
  IFS=: read -ra path <<<"$path_of_caller"
  for folder in "${path[@]}"; do
    for name in node npm npx; do
      if [ -e "$folder/$name" ]; then return 1; fi
    done
    case $folder in
      /usr/local/bin | "${HOME:-/root}/.local/bin" | "${HOME:-/root}/bin") ;;
      *) continue ;;
    esac
    mkdir -p "$folder" 2>/dev/null || continue
    [ -w "$folder" ] || continue
    for name in node npm npx; do ln -sfn "$private_node/bin/$name" "$folder/$name"; done
    say "linked node, npm and npx of .node/ into $folder"
    return
  done
  return 1
}

reach_node() {
  serves "$path_of_caller" && return
  link_node && serves "$path_of_caller" && return
  fail 'CloneBox is ready, but your shell does not find its Node yet. Type this, then go on:' \
    "  export PATH=\"$private_node/bin:\$PATH\""
}

# ---- this checkout

install_dependencies() {
  if node scripts/installed.mjs; then
    say 'dependencies: all there'
    return
  fi
  say 'dependencies: the versions of package-lock.json'
  # Not `npm ci`: npm 11 refuses a lock file whose packages for other platforms its registry does not have.
  quietly npm install --no-save --include=dev --no-audit --no-fund --loglevel=error
}

build() {
  quietly npm run build
  say "built CloneBox $(node dist/main.js --version)"
}

case ${1-} in
  '') install_packages ;;
  --no-system) ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    case $1 in -h | --help) exit 0 ;; *) exit 2 ;; esac
    ;;
esac
provide_node
install_dependencies
build
reach_node
