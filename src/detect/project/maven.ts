import { atLeast, between, type Versions } from './versions.ts';

/** The releases of Java that a build file asks for, and why. */
export interface AskedJava {
  readonly versions: Versions;
  readonly reason: string;
}

/** Elements that name a release of Java, the most exact first. */
const elements = [
  'maven.compiler.release',
  'release',
  'java.version',
  'maven.compiler.target',
  'target',
  'maven.compiler.source',
  'source',
  'jdk.version',
  'kotlin.compiler.jvmTarget',
];

/** What a pom.xml is compiled for, with properties of its own looked up. */
export function javaOfPom(xml: string): AskedJava | undefined {
  const values = new Map<string, string>();
  const leaf = /<([A-Za-z][\w.-]{0,60})>\s{0,40}([\w.${}-]{1,80})\s{0,40}<\//g;
  for (const [, name = '', value = ''] of withoutComments(xml).matchAll(leaf)) {
    const isRelease = !elements.includes(name) || releaseOf(value) || value.startsWith('${');
    if (isRelease && !values.has(name)) values.set(name, value);
  }
  for (const name of elements) {
    const value = values.get(name) ?? '';
    const property = /^\$\{([\w.-]{1,60})\}$/.exec(value)?.[1];
    const release = releaseOf(property === undefined ? value : (values.get(property) ?? ''));
    if (release)
      return { versions: compilersOf(release), reason: `it is compiled for Java ${release}` };
  }
  return undefined;
}

/** `17`, and `8` of `1.8`. */
export function releaseOf(value: string): number | undefined {
  const match = /^(?:1[._])?(\d{1,2})$/.exec(value);
  return match && Number(match[1]) >= 5 ? Number(match[1]) : undefined;
}

/** The last compilers that make code for old releases. */
const lastCompilers = new Map([
  [5, 8],
  [6, 11],
  [7, 19],
]);

/** The compilers that make code for a release. */
export function compilersOf(release: number): Versions {
  const last = lastCompilers.get(release);
  return last === undefined ? atLeast([release, 0, 0]) : between([release, 0, 0], [last + 1, 0, 0]);
}

function withoutComments(xml: string): string {
  const parts: string[] = [];
  let from = 0;
  for (;;) {
    const start = xml.indexOf('<!--', from);
    if (start < 0) return [...parts, xml.slice(from)].join('');
    parts.push(xml.slice(from, start));
    const end = xml.indexOf('-->', start);
    if (end < 0) return parts.join('');
    from = end + 3;
  }
}
