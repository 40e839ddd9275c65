import type { GuestFile } from './archive.ts';

/**
 * `clonebox-install NAME@VERSION…` of every guest: brings a tool in a version that its distribution has not, from its
 * makers (docs/operations/tools.md). VERSION is a line (24), one version (24.1.0), or a line from a version on (^24.1.0).
 */
export const installScript: GuestFile = {
  path: '/usr/local/bin/clonebox-install',
  mode: 0o755,
  content: String.raw`#!/bin/bash
# clonebox-install NAME@VERSION...: tools in versions that the distribution has not. Made by CloneBox; needs root.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { printf 'clonebox-install: %s\n' "$1" >&2; exit 1; }

need() {
  local missing=() package
  for package; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
  [ "\${#missing[@]}" -eq 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "\${missing[@]}"
}

fetch() { curl -fsSL --retry 3 -o "$scratch/$2" "$1" || fail "cannot fetch $1"; }

# The registry's address is npm's to know: one small download of the distribution's npm, unpacked and thrown away.
registry() {
  local url=\${npm_config_registry:-}
  if [ -z "$url" ]; then
    (mkdir -p "$scratch/npm" && cd "$scratch/npm" && apt-get -qq download npm && dpkg-deb -x npm_*.deb .) >/dev/null 2>&1 || true
    url=$(grep -rhoE "registry: 'https:[^']+" "$scratch/npm" --include=default-opts.js | head -n 1 | cut -d "'" -f 2) || true
  fi
  [ -n "$url" ] || fail 'found no npm registry: set npm_config_registry to its address'
  printf '%s\n' "\${url%/}"
}

# unpack PACKAGE WANTED FOLDER: the newest version of an npm package that is wanted, with its digest checked.
unpack() {
  fetch "$registry/$1" metadata.json
  node - "$scratch/metadata.json" "$2" > "$scratch/choice" <<'JS' || fail "there is no $1 $2"
const [file, wanted] = process.argv.slice(2);
const { versions } = JSON.parse(require('fs').readFileSync(file, 'utf8'));
const parts = (text) => text.replace(/^\^/, '').split('.').map(Number);
const compare = (a, b) => [0, 1, 2].map((i) => (a[i] || 0) - (b[i] || 0)).find((d) => d !== 0) || 0;
const asked = parts(wanted);
const line = wanted.startsWith('^') ? asked.slice(0, 1) : asked;
const good = Object.keys(versions)
  .filter((one) => /^\d+\.\d+\.\d+$/.test(one))
  .filter((one) => line.every((part, i) => parts(one)[i] === part) && compare(parts(one), asked) >= 0)
  .sort((a, b) => compare(parts(b), parts(a)));
if (good.length === 0) process.exit(1);
const { tarball, integrity } = versions[good[0]].dist;
console.log([good[0], tarball, integrity].join('\n'));
JS
  local version url integrity
  { read -r version; read -r url; read -r integrity; } < "$scratch/choice"
  fetch "$url" package.tgz
  node -e 'const [file, sum] = process.argv.slice(1); const hash = require("crypto").createHash("sha512");
    hash.update(require("fs").readFileSync(file));
    process.exit("sha512-" + hash.digest("base64") === sum ? 0 : 1)' "$scratch/package.tgz" "$integrity" ||
    fail "$1 $version has the wrong digest; nothing of it is used"
  rm -rf "$3" && mkdir -p "$3"
  tar -xzf "$scratch/package.tgz" --no-same-owner --strip-components=1 -C "$3"
  printf '%s %s\n' "$1" "$version"
}

npm_registry() { [ -n "\${registry:-}" ] || { need nodejs curl ca-certificates; registry=$(registry); }; }

install_node() {
  npm_registry
  local arch
  case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) fail "there is no Node.js for $(uname -m)" ;; esac
  unpack "node-linux-$arch" "$1" /usr/local/lib/node
  install -m 755 /usr/local/lib/node/bin/node /usr/local/bin/node
  hash -r
  install_npm ''
}

# Without a version: the newest that runs on this Node.js.
install_npm() {
  npm_registry
  local wanted=$1 major
  major=$(node -p 'process.versions.node.split(".")[0]')
  if [ -z "$wanted" ]; then wanted=8; [ "$major" -lt 18 ] || wanted=10; fi
  unpack npm "$wanted" /usr/local/lib/node_modules/npm
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
  chmod 755 /usr/local/lib/node_modules/npm/bin/np[mx]-cli.js
}

# A package manager that is an npm package itself.
install_npm_package() {
  command -v npm >/dev/null || install_npm ''
  local package=$1
  # From its second version on, yarn is another package.
  case $1@$2 in yarn@ | yarn@[~^]1 | yarn@[~^]1.* | yarn@1 | yarn@1.*) ;; yarn@*) package=@yarnpkg/cli-dist ;; esac
  npm install --global --no-fund --no-audit "$package\${2:+@$2}"
}

install_uv() {
  need python3-pip ca-certificates
  python3 -m pip install --quiet --break-system-packages "uv\${1:+==$1}"
}

install_python() {
  command -v uv >/dev/null || install_uv ''
  UV_PYTHON_INSTALL_DIR=/opt/python UV_PYTHON_BIN_DIR=/usr/local/bin uv python install --default --preview "\${1#^}"
}

install_go() {
  need curl ca-certificates
  fetch "https://go.dev/dl/go\${1#^}.linux-$(dpkg --print-architecture).tar.gz" go.tgz
  rm -rf /usr/local/go
  tar -xzf "$scratch/go.tgz" --no-same-owner -C /usr/local
  ln -sf /usr/local/go/bin/go /usr/local/go/bin/gofmt /usr/local/bin/
}

install_rust() {
  need curl ca-certificates build-essential
  fetch https://sh.rustup.rs rustup.sh
  RUSTUP_HOME=/opt/rustup CARGO_HOME=/opt/cargo sh "$scratch/rustup.sh" -y --no-modify-path --default-toolchain "\${1#^}"
  ln -sf /opt/rustup/toolchains/*/bin/* /usr/local/bin/
}

[ "$#" -gt 0 ] || fail 'name a tool: clonebox-install node@24'
for tool; do
  name=\${tool%%@*} version=
  case $tool in *@*) version=\${tool#*@} ;; esac
  case $name in
    node) install_node "\${version:-24}" ;;
    npm) install_npm "$version" ;;
    pnpm | yarn | bun) install_npm_package "$name" "$version" ;;
    python) install_python "\${version:-3}" ;;
    uv) install_uv "$version" ;;
    go) install_go "\${version:?a version of Go}" ;;
    rust) install_rust "\${version:-stable}" ;;
    *) fail "it does not know $name: node, npm, pnpm, yarn, bun, python, uv, go, rust" ;;
  esac
done
`.replaceAll('\\${', '${'),
};
