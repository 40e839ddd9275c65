import { describe, expect, it } from 'vitest';
import { needsOfTexts, toolsOf } from '../../../test/fixtures/project-texts.ts';

const javaOf = (files: Record<string, string>) => toolsOf(files, ['mvnw', 'gradlew'])[0];
const wrapper = (release: string) => ({
  'gradle/wrapper/gradle-wrapper.properties': `distributionUrl=https\\://services.gradle.org/distributions/gradle-${release}-bin.zip`,
});

describe('the versions of Java', () => {
  it.each([
    ['<maven.compiler.release>21</maven.compiler.release>', 'java >=21.0.0'],
    ['<maven.compiler.source>1.8</maven.compiler.source>', 'java >=8.0.0'],
    ['<maven.compiler.target>7</maven.compiler.target>', 'java >=7.0.0 <20.0.0'],
    [
      `<jdk>11</jdk><configuration><release>\n  \${jdk}\n</release></configuration>`,
      'java >=11.0.0',
    ],
    ['<source>src/main/x</source><target>17</target>', 'java >=17.0.0'],
    ['<!-- <java.version>21</java.version> -->', 'java any'],
    [`<java.version>\${java.version}</java.version>`, 'java any'],
  ])('of a pom.xml with %s: %s', (text, tool) => {
    expect(javaOf({ 'pom.xml': `<project>${text}</project>` })).toBe(tool);
  });

  it.each([
    ['sourceCompatibility = JavaVersion.VERSION_17', 'java >=17.0.0'],
    ["sourceCompatibility = '1.8'", 'java >=8.0.0'],
    ['targetCompatibility JavaVersion.toVersion("11")', 'java >=11.0.0'],
    ['options.release.set(17)', 'java >=17.0.0'],
    ['kotlin { jvmToolchain(17) }', 'java >=17.0.0 <18.0.0'],
    ['languageVersion = JavaLanguageVersion.of(21)', 'java >=21.0.0 <22.0.0'],
    ['// jvmToolchain(17)', 'java any'],
  ])('of a build.gradle with %s: %s', (text, tool) => {
    expect(javaOf({ 'build.gradle': `${text}\n` })).toBe(tool);
  });

  it.each([
    ['8.5', 'sourceCompatibility = 17', 'java >=17.0.0 <22.0.0'],
    ['7.6.4', '', 'java >=8.0.0 <20.0.0'],
    ['9.0.0', '', 'java >=17.0.0 <25.0.0'],
    ['7.2', 'jvmToolchain(21)', 'java >=21.0.0 <22.0.0'],
    ['99.1', '', 'java any'],
  ])('are those that the Gradle %s of the wrapper runs on, with %j', (release, text, tool) => {
    expect(javaOf({ 'build.gradle': text, ...wrapper(release) })).toBe(tool);
  });

  it('are pinned by .java-version', () => {
    expect(javaOf({ '.java-version': 'temurin-21.0.1\n' })).toBe('java >=21.0.0 <22.0.0');
  });
});

describe('what builds a project of the JVM', () => {
  it.each([
    ['pom.xml', [], ['java any', 'maven any']],
    ['pom.xml', ['mvnw'], ['java any']],
    ['build.gradle', [], ['java any', 'gradle any']],
    ['build.gradle.kts', ['gradlew'], ['java any']],
  ])('with %s and %j: %j', (path, others, tools) => {
    expect(toolsOf({ [path]: '' }, others)).toEqual(tools);
  });

  it('is the Gradle of a wrapper whose script is missing', () => {
    const files = { 'build.gradle': '', ...wrapper('8.5') };
    expect(toolsOf(files)).toContain('gradle >=8.5.0 <8.6.0');
  });

  it('is not set up for Android', () => {
    const needs = needsOfTexts({ 'app/build.gradle': 'plugins { id "com.android.application" }' });
    expect(needs.notes).toEqual(['app/build.gradle is for Android, whose SDK is not set up']);
  });
});
