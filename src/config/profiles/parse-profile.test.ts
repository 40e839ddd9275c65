import { describe, expect, it } from 'vitest';
import { parseProfile } from './parse-profile.ts';

const source = { name: 'base', from: 'project', file: 'base.yaml' } as const;

/** The problems of a text as `line:column path message (hint)`. */
function problemsOf(text: string): string[] {
  return parseProfile(text, source).problems.map(({ line, column, path, message, hint }) =>
    [`${line}:${column}`, path, message, hint && `(${hint})`].filter(Boolean).join(' '),
  );
}

describe('parseProfile', () => {
  it('reads the keys of a configuration, a description and what it extends', () => {
    const text = 'description: ours\nextends: [node]\nvm: { memory: 1G }\npackages: [1.10]\n';
    const { problems, profile } = parseProfile(text, source);
    expect(problems).toEqual([]);
    expect(profile?.value).toEqual({
      ...{ description: 'ours', extends: ['node'], packages: ['1.10'] },
      vm: { memory: 1024 ** 3 },
    });
    expect(profile?.origin.at(['vm', 'memory'])).toMatchObject({
      ...{ file: 'base.yaml', line: 3, column: 15, profile: source, kind: 'text' },
    });
  });

  it.each([
    ["version: '2'", '1:1 version has no place in a profile (take it out)'],
    ["version: '1'", '1:1 version has no place in a profile (take it out)'],
    ['profiles: [node]', '1:1 profiles has no place in a profile (did you mean `extends`?)'],
    ['paths: { /a: /b }', '1:1 paths has no place in a profile (did you mean `shares`?)'],
    [
      'vm: { name: x }',
      '1:7 vm.name has no place in a profile (a name is for one VM: put it into .clonebox.yaml)',
    ],
    ['package: [x]', '1:1 package is not a known key (did you mean `packages`?)'],
    ['extends: node', '1:10 extends must be a list, not the text "node"'],
    ['extends: [a, a]', '1:14 extends[1] a stands here twice'],
    ['extends: [../x]', '1:11 extends[0] "../x" is not the name of a profile: a-z, 0-9 and \'-\''],
    ['description: "a\\nb"', '1:14 description has more than one line'],
    [
      'remove: { package: [x] }',
      '1:11 remove.package is not a known key (did you mean `packages`?)',
    ],
    [
      'remove: { packages: [nginx=1] }',
      '1:22 remove.packages[0] "nginx=1" is not the name of a package, without a version',
    ],
    ['vm: { user: { name: root, uid: 5 } }', '1:32 vm.user.uid must be 0 for root'],
    ['- node', '1:1 must be a mapping of keys'],
    ['', '1:1 is empty'],
    [
      'a: [',
      '1:5 is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ])('says what is wrong with %s', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('tells all problems at once', () => {
    expect(problemsOf('vm: { name: x, cpus: 0 }\nextends: [A]\n')).toHaveLength(3);
  });
});
