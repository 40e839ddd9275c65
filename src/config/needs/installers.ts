import { intersects, minVersion, satisfies, subset, validRange } from 'semver';

/** How a version comes into the guest that its distribution has not: packages it takes, then command lines as root. */
export interface Installation {
  readonly packages: readonly string[];
  readonly commands: readonly string[];
  /** What is installed, as told to people. */
  readonly version: string;
}

/** `range` is of node-semver; `own` is the version that this workstation has, if any. */
type Installer = (range: string, own: string | undefined) => Installation | undefined;

/** Lines of Node.js with long-time support, newest first. */
const nodeLines = ['24', '22', '20', '18', '16'];

/** What can be installed from its makers, by the name of the tool. */
export const installers: Readonly<Record<string, Installer>> = {
  node: (range, own) => {
    const version = wanted(range, own, nodeLines);
    return {
      packages: ['npm', 'ca-certificates'],
      commands: [`npm install --global --no-fund --no-audit 'node@${version}'`],
      version,
    };
  },
  pnpm: byNpm('pnpm'),
  yarn: byNpm('yarn'),
  bun: byNpm('bun'),
  npm: byNpm('npm'),
  python: (range, own) => {
    const version = wanted(range, own, ['3.13', '3.12', '3.11', '3.10', '3.9']);
    return {
      packages: ['python3-pip', 'ca-certificates'],
      commands: [
        'python3 -m pip install --quiet --break-system-packages uv',
        `UV_PYTHON_INSTALL_DIR=/opt/python UV_PYTHON_BIN_DIR=/usr/local/bin uv python install --default --preview '${version}'`,
      ],
      version,
    };
  },
  uv: () => ({
    packages: ['python3-pip', 'ca-certificates'],
    commands: ['python3 -m pip install --quiet --break-system-packages uv'],
    version: 'latest',
  }),
  go: (range, own) => {
    const version = exact(range, own);
    return {
      packages: ['curl', 'ca-certificates'],
      commands: [
        `curl -fsSL https://go.dev/dl/go${goVersion(version)}.linux-$(dpkg --print-architecture).tar.gz | tar -C /usr/local -xz`,
        'ln -sf /usr/local/go/bin/go /usr/local/go/bin/gofmt /usr/local/bin/',
      ],
      version,
    };
  },
  rust: (range, own) => {
    const version = exact(range, own);
    const homes = 'RUSTUP_HOME=/opt/rustup CARGO_HOME=/opt/cargo';
    return {
      packages: ['curl', 'ca-certificates'],
      commands: [
        'curl -fsSLo /tmp/rustup.sh https://sh.rustup.rs',
        `${homes} sh /tmp/rustup.sh -y --no-modify-path --default-toolchain ${version}`,
        'ln -sf /opt/rustup/toolchains/*/bin/* /usr/local/bin/',
      ],
      version,
    };
  },
};

function byNpm(name: string): Installer {
  return (range) => ({
    packages: ['npm', 'ca-certificates'],
    commands: [`npm install --global --no-fund --no-audit '${name}@${range}'`],
    version: range === '*' ? 'latest' : range,
  });
}

/** This workstation's own version when it will do, else the newest line that will, else the range as it is. */
function wanted(range: string, own: string | undefined, lines: readonly string[]): string {
  if (own !== undefined && satisfies(own, range)) return own;
  const line = lines.find((one) => intersects(range, one));
  return line === undefined ? range : narrowed(range, line);
}

/** The part of a range that is in one line: `20` of `>=18`, `>=20.19.0 <21.0.0-0` of `>=20.19`. */
function narrowed(range: string, line: string): string {
  if (subset(line, range)) return line;
  const ways = range.split('||').map((way) => way.trim());
  const way = ways.find((one) => intersects(one, line)) ?? range;
  return subset(way, line) ? way : (validRange(`${way} ${line}`) ?? line);
}

/** One version: makers of single files have no ranges. */
function exact(range: string, own: string | undefined): string {
  if (own !== undefined && satisfies(own, range)) return own;
  return minVersion(range)?.version ?? '0.0.0';
}

/** Before 1.21 the first release of a line had no third number. */
function goVersion(version: string): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return patch === 0 && major === 1 && minor < 21 ? `${major}.${minor}` : version;
}
