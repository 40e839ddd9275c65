import type { NeededPort, NeededTool, ProjectNeeds } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { rangeOfJava, rangeOfPin } from './constraint.ts';
import { javaOfGradle, javaOfGradleBuild, releaseOfGradle } from './gradle.ts';
import { javaOfPom } from './maven.ts';
import type { ProjectFile, ProjectReader, ProjectTexts } from './reader.ts';
import {
  askedTool,
  certain,
  distinctTools,
  isAside,
  isAtTop,
  likely,
  linesOf,
  nameOfFile,
} from './text.ts';
import { everyVersion, intersect, toRange } from './versions.ts';

const builds = ['build.gradle', 'build.gradle.kts'];
const settings = ['settings.gradle', 'settings.gradle.kts'];
const pins = ['.java-version', '.sdkmanrc'];
const labels = new Map([
  ['java', 'Java'],
  ['maven', 'Maven'],
  ['gradle', 'Gradle'],
  ['kotlin', 'Kotlin'],
]);
const wrapper = 'gradle/wrapper/gradle-wrapper.properties';

/** Java and Kotlin: pom.xml, build.gradle in both languages, their wrappers, .sdkmanrc and .java-version. */
export const java: ProjectReader = {
  name: 'java',
  wants: (path) => {
    if (pins.includes(path) || settings.includes(path) || path === wrapper) return true;
    const name = nameOfFile(path);
    return (name === 'pom.xml' || builds.includes(name)) && !isAside(path);
  },
  read(files, tree) {
    const notes: string[] = [];
    const manifests = files.filter(({ path }) => !pins.includes(path) && path !== wrapper);
    const first = manifests[0] ?? files.find(({ path }) => path !== wrapper);
    if (first === undefined) return {};
    const any: NeededTool = {
      ...{ name: 'java', range: undefined, finding: likely(first.path, 'a project of the JVM') },
    };
    const kotlin = manifests.some(({ text }) =>
      /\borg\.jetbrains\.kotlin\b|\bkotlin\("/.test(text),
    );
    if (manifests.some(({ text }) => /["']com\.android\.(?:application|library)["']/.test(text))) {
      notes.push(`${printable(first.path)} is for Android, whose SDK is not set up`);
    }
    return {
      ecosystems: kotlin ? ['Java', 'Kotlin'] : ['Java'],
      tools: distinctTools([
        ...files.filter(({ path }) => pins.includes(path)).flatMap((file) => pinned(file, notes)),
        ...asked(manifests, tree),
        any,
        ...buildTool(manifests, tree),
      ]),
      ports: springPort(manifests),
      ...springBoot(manifests, tree),
      notes,
    };
  },
};

/** `java=17.0.8-tem` of SDKMAN, and the line that jenv reads. */
function pinned({ path, text }: ProjectFile, notes: string[]): NeededTool[] {
  const lines = linesOf(text).map((line) => line.replace(/#.*/, '').trim());
  if (path === '.java-version') {
    const written = lines.find((line) => line !== '') ?? 'system';
    const isAny = written === 'system';
    const range = isAny ? '*' : rangeOfJava(written);
    return askedTool(path, { name: 'java', label: 'Java', written, range }, notes);
  }
  return lines.flatMap((line) => {
    const [, name, written = ''] =
      /^(java|maven|gradle|kotlin)\s{0,5}=\s{0,5}(\S{1,60})$/.exec(line) ?? [];
    if (name === undefined) return [];
    const range = name === 'java' ? rangeOfJava(written) : rangeOfPin(written);
    return askedTool(path, { name, label: labels.get(name) ?? name, written, range }, notes);
  });
}

/** What the build files say; where none says anything, what the wrapper's Gradle runs on. */
function asked(manifests: readonly ProjectFile[], tree: ProjectTexts): NeededTool[] {
  const release = releaseOfGradle(tree.text(wrapper) ?? '');
  const ofGradle = (release && javaOfGradle(release)) ?? everyVersion;
  const stated = manifests.flatMap(({ path, text }): NeededTool[] => {
    const isMaven = nameOfFile(path) === 'pom.xml';
    const found = isMaven ? javaOfPom(text) : javaOfGradleBuild(text);
    if (found === undefined) return [];
    // Where Gradle does not run on the Java that it builds with, what it builds with is the project's own.
    const both = isMaven ? undefined : toRange(intersect(found.versions, ofGradle));
    const range = both ?? toRange(found.versions);
    return [{ name: 'java', range, finding: certain(path, found.reason) }];
  });
  const isGradle = manifests.some(({ path }) => nameOfFile(path) !== 'pom.xml');
  if (stated.length > 0 || !isGradle || ofGradle === everyVersion) return stated;
  const finding = certain(wrapper, `Gradle ${release?.join('.')} runs on it`);
  return [{ name: 'java', range: toRange(ofGradle), finding }];
}

/** A wrapper in the project fetches the build tool by itself. */
function buildTool(manifests: readonly ProjectFile[], tree: ProjectTexts): NeededTool[] {
  const own = manifests.filter(({ path }) => isAtTop(path));
  const top = own.find(({ path }) => path === 'pom.xml') ?? own[0];
  if (top === undefined) return [];
  const isMaven = top.path === 'pom.xml';
  if (tree.has(isMaven ? 'mvnw' : 'gradlew')) return [];
  const release = isMaven ? undefined : releaseOfGradle(tree.text(wrapper) ?? '');
  const name = isMaven ? 'maven' : 'gradle';
  const range = release && rangeOfPin(release.join('.'));
  return [{ name, range, finding: certain(top.path, `${isMaven ? 'Maven' : 'Gradle'} builds it`) }];
}

/** How Spring Boot serves it: by the plugin of either build tool. What that fetches is fetched before, which takes long. */
function springBoot(manifests: readonly ProjectFile[], tree: ProjectTexts): Partial<ProjectNeeds> {
  const top = manifests.filter(({ path }) => isAtTop(path));
  const maven = top.find(
    ({ path, text }) => path === 'pom.xml' && text.includes('spring-boot-maven-plugin'),
  );
  const gradle = top.find(({ path, text }) => {
    return builds.includes(path) && /["']org\.springframework\.boot["']/.test(text);
  });
  const by = maven ?? gradle;
  if (by === undefined) return {};
  const own = maven ? 'mvnw' : 'gradlew';
  const program = tree.has(own) ? `./${own}` : maven ? 'mvn' : 'gradle';
  const [task, build] = maven
    ? ['spring-boot:run', '-B -q test-compile']
    : ['bootRun', '--console plain classes'];
  const finding = likely(by.path, 'how Spring Boot is run');
  return {
    run: [{ name: 'web', command: [program, task], env: {}, port: 8080, finding }],
    setup:
      tree.has('target') || tree.has('build')
        ? []
        : [{ command: `${program} ${build}`, finding: likely(by.path, 'it is not built yet') }],
  };
}

function springPort(manifests: readonly ProjectFile[]): NeededPort[] {
  const server = manifests.find(({ text }) =>
    /\bspring-boot-starter-web(?:flux|mvc)?\b/.test(text),
  );
  if (server === undefined) return [];
  return [{ port: 8080, finding: likely(server.path, 'where Spring Boot listens') }];
}
