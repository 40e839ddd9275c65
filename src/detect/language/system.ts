import type { DetectInput } from '../../core/detect.ts';
import { dpkgDirectory, readDpkg } from '../dpkg.ts';
import type { Look } from '../look.ts';
import type { Toolchain } from './toolchain.ts';

/** The packages of a language: their name, and the program that they bring. `$1` is what is in brackets. */
const debian: readonly (readonly [packages: RegExp, name: string, path: string])[] = [
  [/^nodejs$/, 'node', '/usr/bin/node'],
  [/^npm$/, 'npm', '/usr/bin/npm'],
  [/^yarn(?:pkg)?$/, 'yarn', '/usr/bin/yarn'],
  [/^python(3\.\d+)(?:-minimal)?$/, 'python', '/usr/bin/python$1'],
  [/^python3-poetry$/, 'poetry', '/usr/bin/poetry'],
  [/^golang-(1\.\d+)-go$/, 'go', '/usr/lib/go-$1/bin/go'],
  [/^rustc(?:-(1\.\d+))?$/, 'rust', '/usr/bin/rustc-$1'],
  [/^ruby(\d\.\d)$/, 'ruby', '/usr/bin/ruby$1'],
  [/^php(\d\.\d)-cli$/, 'php', '/usr/bin/php$1'],
  [/^composer$/, 'composer', '/usr/bin/composer'],
  [/^maven$/, 'maven', '/usr/bin/mvn'],
  [/^gradle$/, 'gradle', '/usr/bin/gradle'],
  [/^kotlin$/, 'kotlin', '/usr/bin/kotlinc'],
  [/^elixir$/, 'elixir', '/usr/bin/elixir'],
  [/^erlang-base$/, 'erlang', '/usr/bin/erl'],
  [/^dotnet-sdk-\d+\.\d+$/, 'dotnet', '/usr/bin/dotnet'],
  [/^gcc-(\d+)$/, 'gcc', '/usr/bin/gcc-$1'],
];

const jvms = '/usr/lib/jvm';

/** The languages of Debian's packages, by what dpkg has written down. */
export async function readDebian(input: DetectInput): Promise<Toolchain[]> {
  const { packages } = (await readDpkg(input)) ?? { packages: [] };
  const found = packages.flatMap((one): Toolchain[] => {
    const [pattern, name, place] = debian.find(([known]) => known.test(one.name)) ?? [];
    const version = upstream(one.version);
    if (pattern === undefined || name === undefined || place === undefined) return [];
    const number = pattern.exec(one.name)?.[1] ?? '';
    const path = place.replace('$1', number).replace(/-$/, '');
    const prefix = path.startsWith('/usr/lib/') ? path.replace(/\/bin\/[^/]+$/, '') : path;
    return [{ name, version, path, prefix, manager: 'apt', finding: packaged(one.name) }];
  });
  // Of a package and a smaller one for the same program, the first says it all.
  const paths = found.map(({ path }) => path);
  return found.filter(({ path }, index) => paths.indexOf(path) === index);
}

/** The JDKs of the system: each says its version in a file. */
export async function readJvms(input: DetectInput, look: Look): Promise<Toolchain[]> {
  const { packages } = (await readDpkg(input)) ?? { packages: [] };
  const names = new Set(packages.map((one) => one.name));
  const found = (await look.names(jvms)).map(async (entry): Promise<Toolchain[]> => {
    const prefix = `${jvms}/${entry}`;
    // Links are other names of them.
    if ((await look.link(prefix)) !== undefined) return [];
    const text = (await look.text(`${prefix}/release`)) ?? '';
    const version = /^JAVA_VERSION="(\d[\w.]{0,30})"$/m.exec(text)?.[1];
    if (version === undefined) return [];
    const owner = packagesOfJvm(entry).find((one) => names.has(one));
    const found = { source: `${prefix}/release`, confidence: 'certain' } as const;
    const finding = owner ? packaged(owner) : { ...found, reason: 'it says so itself' };
    const manager = owner ? 'apt' : 'system';
    return [{ name: 'java', version, path: `${prefix}/bin/java`, prefix, manager, finding }];
  });
  return (await Promise.all(found)).flat();
}

/** `java-17-openjdk-amd64` is of openjdk-17-jre-headless, `temurin-21-jdk-amd64` of temurin-21-jdk. */
function packagesOfJvm(entry: string): string[] {
  const open = /^java-(?:1\.)?(\d+)-openjdk/.exec(entry)?.[1];
  if (open !== undefined) return [`openjdk-${open}-jdk-headless`, `openjdk-${open}-jre-headless`];
  return [entry.replace(/-(?:amd64|arm64)$/, '')];
}

/** Go as its makers hand it out. */
export async function readLocalGo(look: Look): Promise<Toolchain[]> {
  const prefix = '/usr/local/go';
  const text = await look.text(`${prefix}/VERSION`);
  const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(text ?? '')?.[1];
  if (version === undefined) return [];
  const finding = {
    ...{ source: `${prefix}/VERSION`, confidence: 'certain' as const },
    reason: 'it says so itself',
  };
  const path = `${prefix}/bin/go`;
  return [{ name: 'go', version, path, prefix, manager: 'by hand', finding }];
}

function packaged(name: string): Toolchain['finding'] {
  return { source: `${dpkgDirectory}/status`, confidence: 'certain', reason: `package ${name}` };
}

/** The version that the makers gave it: 18.20.4 of `18.20.4+dfsg-1~deb12u1`. */
function upstream(version: string): string {
  return /^(?:\d+:)?(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? version;
}
