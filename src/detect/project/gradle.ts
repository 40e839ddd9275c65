import { type AskedJava, compilersOf, releaseOf } from './maven.ts';
import { linesOf } from './text.ts';
import { between, startingWith, type Versions } from './versions.ts';

/** What a build.gradle asks for: the very release of a toolchain, or one that compiles for what it names. */
export function javaOfGradleBuild(source: string): AskedJava | undefined {
  // Line by line, so that no pattern runs further; without those that are comments.
  const lines = linesOf(source).filter((line) => !/^\s*(?:\/\/|\*|\/\*)/.test(line));
  const find = (pattern: RegExp) => {
    for (const line of lines) {
      const release = releaseOf(pattern.exec(line)?.[1] ?? '');
      if (release) return release;
    }
    return undefined;
  };
  const toolchain =
    find(/\bJavaLanguageVersion\.of\(\s{0,5}["']?(\d{1,2})\b/) ??
    find(/\bjvmToolchain\s{0,5}\(?\s{0,5}(\d{1,2})\b/);
  if (toolchain) {
    return { versions: startingWith([toolchain]), reason: `its toolchain is Java ${toolchain}` };
  }
  const compatible =
    find(/\boptions\.release(?:\.set\(|\s{0,5}=)\s{0,5}(\d{1,2})\b/) ??
    find(
      /\b(?:source|target)Compatibility\s{0,5}=?\s{0,5}(?:JavaVersion\.)?(?:VERSION_|toVersion\()?["']?(1[._]\d|\d{1,2})\b/,
    );
  if (!compatible) return undefined;
  return { versions: compilersOf(compatible), reason: `it is compiled for Java ${compatible}` };
}

/** The release of Gradle that the wrapper fetches: `[8, 5]`. */
export function releaseOfGradle(properties: string): readonly [number, number] | undefined {
  const url = linesOf(properties).find((line) => line.startsWith('distributionUrl'));
  const match = /\/gradle-(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?-(?:bin|all)\.zip/.exec(url ?? '');
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** Releases of Java, and the first Gradle that runs on each. */
const firstOn: readonly (readonly [java: number, major: number, minor: number])[] = [
  [8, 2, 0],
  [9, 4, 3],
  [10, 4, 7],
  [11, 5, 0],
  [12, 5, 4],
  [13, 6, 0],
  [14, 6, 3],
  [15, 6, 7],
  [16, 7, 0],
  [17, 7, 3],
  [18, 7, 5],
  [19, 7, 6],
  [20, 8, 3],
  [21, 8, 5],
  [22, 8, 8],
  [23, 8, 10],
  [24, 8, 14],
  [25, 9, 1],
];

/** The releases of Java that a release of Gradle runs on; `undefined` when it is newer than what is known here. */
export function javaOfGradle([major, minor]: readonly [number, number]): Versions | undefined {
  const newer = firstOn.find(([, from, fromMinor]) => {
    return from > major || (from === major && fromMinor > minor);
  });
  if (newer === undefined || newer[0] <= 8) return undefined;
  return between([major >= 9 ? 17 : 8, 0, 0], [newer[0], 0, 0]);
}
