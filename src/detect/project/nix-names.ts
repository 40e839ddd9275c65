/** What a name of nixpkgs is here. */
export type NixMeaning =
  | { readonly tool: string; readonly version: string | undefined }
  | { readonly packages: readonly string[] };

/** Tools by what their names look like; the first group is the version, with `_` for `.` or without any. */
const tools: readonly (readonly [RegExp, string])[] = [
  [/^nodejs(?:[-_]slim)?(?:[-_](\d{1,2})(?:_x)?)?$/, 'node'],
  [/^python(3\d{0,2})?(?:Full|Minimal)?$/, 'python'],
  [/^go(?:_(1_\d{1,2}))?$/, 'go'],
  [/^(?:rustc|cargo|rustup|rustToolchain|rust-bin(?:\..*)?)$/, 'rust'],
  [/^ruby(?:_(\d_\d))?$/, 'ruby'],
  [/^php(\d{2})?$/, 'php'],
  [/^(?:jdk|openjdk|temurin-bin-|zulu|graalvm-ce|jdk_headless)-?(\d{1,2})?(?:_headless)?$/, 'java'],
  [/^(?:beam[\w]{0,20}\.)?(?:packages\.\w{0,20}\.)?elixir(?:_(\d_\d{1,2}))?$/, 'elixir'],
  [/^erlang(?:R?_?(\d{2}))?$/, 'erlang'],
  [/^dotnet-sdk(?:_(\d{1,2}))?$/, 'dotnet'],
  [/^maven$/, 'maven'],
  [/^gradle(?:_(\d))?$/, 'gradle'],
  [/^pnpm(?:_(\d{1,2}))?$/, 'pnpm'],
  [/^(?:yarn|yarn-berry)$/, 'yarn'],
  [/^bun$/, 'bun'],
  [/^uv$/, 'uv'],
  [/^poetry$/, 'poetry'],
  [/^bundler$/, 'bundler'],
  [/^(?:phpPackages|php\d{2}Packages)\.composer$/, 'composer'],
  [/^cmake$/, 'cmake'],
  [/^meson$/, 'meson'],
  [/^ninja$/, 'ninja'],
  [/^(?:gnumake|make)$/, 'make'],
  [/^just$/, 'just'],
];

const packages = new Map<string, readonly string[]>(
  Object.entries({
    'pkg-config': 'pkg-config',
    pkgconfig: 'pkg-config',
    gcc: 'build-essential',
    stdenv: 'build-essential',
    'stdenv.cc': 'build-essential',
    clang: 'clang',
    llvm: 'llvm',
    openssl: 'libssl-dev',
    'openssl.dev': 'libssl-dev',
    zlib: 'zlib1g-dev',
    'zlib.dev': 'zlib1g-dev',
    sqlite: 'sqlite3 libsqlite3-dev',
    libpq: 'libpq-dev',
    libffi: 'libffi-dev',
    libyaml: 'libyaml-dev',
    libxml2: 'libxml2-dev',
    libxslt: 'libxslt1-dev',
    curl: 'curl',
    jq: 'jq',
    git: 'git',
    ffmpeg: 'ffmpeg',
    imagemagick: 'imagemagick',
    vips: 'libvips-dev',
    graphviz: 'graphviz',
    protobuf: 'protobuf-compiler libprotobuf-dev',
    shellcheck: 'shellcheck',
    pandoc: 'pandoc',
    boost: 'libboost-all-dev',
    ncurses: 'libncurses-dev',
    readline: 'libreadline-dev',
    SDL2: 'libsdl2-dev',
    'xorg.libX11': 'libx11-dev',
    alsa: 'libasound2-dev',
    'alsa-lib': 'libasound2-dev',
    udev: 'libudev-dev',
    ripgrep: 'ripgrep',
    fd: 'fd-find',
    gdb: 'gdb',
    autoconf: 'autoconf',
    automake: 'automake',
    libtool: 'libtool',
  }).map(([name, list]): [string, string[]] => [name, list.split(' ')]),
);

/** What a name of nixpkgs is, without `pkgs.`; `undefined` when this plain table does not have it. */
export function meaningOfNix(name: string): NixMeaning | undefined {
  const known = packages.get(name);
  if (known !== undefined) return { packages: known };
  for (const [pattern, tool] of tools) {
    const match = pattern.exec(name);
    if (match === null) continue;
    return { tool, version: versionOf(tool, match[1]) };
  }
  return undefined;
}

/** `3_3` is 3.3, `312` of Python 3.12, `83` of PHP 8.3. */
function versionOf(tool: string, written: string | undefined): string | undefined {
  if (written === undefined) return undefined;
  if (tool === 'python' || tool === 'php') return written.replace(/^(\d)(\d+)$/, '$1.$2');
  return written.replaceAll('_', '.');
}
