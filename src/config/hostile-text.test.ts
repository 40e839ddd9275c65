import { describe, expect, it } from 'vitest';
import { CloneboxError } from '../core/errors.ts';
import { parseConfig } from './parse-config.ts';

/** The first line of the error that a text gives. */
function firstProblem(text: string): string {
  try {
    parseConfig(text, 'x.yaml');
    return 'valid';
  } catch (error) {
    if (!(error instanceof CloneboxError)) throw error;
    expect(error.code).toBe('config-invalid');
    return error.message.split('\n')[0] ?? '';
  }
}

const MiB = 1024 ** 2;
const numbered = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

/** Six levels, each nine times the one before: a few lines that stand for 200 000 values. */
const laughs = [
  'l0: &l0 [a, a]',
  ...Array.from(
    { length: 5 },
    (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(', ')}]`,
  ),
].join('\n');

describe('parseConfig, of a text that is no configuration', () => {
  it.each<[string, string, string]>([
    ['nothing', '', 'x.yaml:1:1 is empty'],
    ['white space', ' \n\n', 'x.yaml:1:1 is empty'],
    ['a comment', '# later', 'x.yaml:1:1 is empty'],
    ['a byte order mark', '\ufeff', 'x.yaml:1:1 is empty'],
    ['a null', '~', 'x.yaml:1:1 must be a mapping of keys'],
    ['a word', 'hello', 'x.yaml:1:1 must be a mapping of keys'],
    ['a list', '\n- a', 'x.yaml:2:1 must be a mapping of keys'],
    [
      'two documents',
      'version: 2\n---\nversion: 2',
      'x.yaml:2:1 starts a second document: one file is one configuration',
    ],
    ['a key twice', 'version: 2\nvm: {}\nvm: {}', 'x.yaml:3:1 vm stands here a second time'],
    [
      'a key twice, deep',
      'version: 2\nvm:\n  cpus: 1\n  cpus: 2',
      'x.yaml:4:3 vm.cpus stands here a second time',
    ],
    ['a tab', 'version: 2\nvm:\n\tname: x', 'x.yaml:3:1 is indented with a tab: YAML wants spaces'],
    ['a tag', 'version: !x 2', 'x.yaml:1:10 has a tag (!): tags are not read here'],
    [
      'a tag of JavaScript',
      'version: !!js/function "a"',
      'x.yaml:1:10 has a tag (!): tags are not read here',
    ],
    ['a list for a key', 'version: 2\n? [a]\n: 1', 'x.yaml:2:3 has a key that is not a word'],
    ['nothing for a key', 'version: 2\n: 1', 'x.yaml:2:1 has a key that is not a word'],
    ['an open quote', 'version: "2', 'x.yaml:1:12 is not valid YAML: Missing closing "quote'],
    [
      'an unknown alias',
      'version: 2\nvm: *x',
      'x.yaml:2:5 vm is "*x", but no such anchor (&) stands before it',
    ],
    [
      'an alias to itself',
      'version: 2\nvm: &x { name: *x }',
      'x.yaml:2:16 vm.name is "*x", but no such anchor (&) stands before it',
    ],
    ['zero bytes', 'version: 2\0', 'x.yaml:1:1 is not text: it holds a zero byte'],
    ['another encoding', 'version: 2\nenvironment: { A: "\ufffd" }', 'x.yaml:2:20 is not UTF-8'],
    ['10 MB', 'version: 2\n'.repeat(MiB), 'x.yaml:1:1 is longer than 1 MiB'],
    ['1 MiB of three-byte letters', '字'.repeat(MiB / 2), 'x.yaml:1:1 is longer than 1 MiB'],
    ['deep brackets', `version: ${'['.repeat(MiB / 2)}`, 'x.yaml:1:109 is nested too deeply'],
    ['deep braces', `version: ${'{a: '.repeat(1000)}`, 'x.yaml:1:403 is nested too deeply'],
    ['deep lists', '- '.repeat(1000), 'x.yaml:1:200 is nested too deeply'],
    [
      'deep maps',
      numbered(200, (n) => `${' '.repeat(n)}a:`),
      'x.yaml:100:101 is nested too deeply',
    ],
    ['very many keys', numbered(60_000, (n) => `a${n}: 1`), 'x.yaml:14286:9 has too many parts'],
    ['a list of commas', `[${','.repeat(MiB / 2)}`, 'x.yaml:1:100000 has too many parts'],
    [
      'a file of anchors',
      numbered(20_000, (n) => `- &a${n}`),
      'x.yaml:1:1 must be a mapping of keys',
    ],
    [
      'a file of aliases',
      `version: &a 2\nports: [${'*a, '.repeat(5000)}]`,
      'x.yaml:2:209 has more than 50 aliases (*)',
    ],
    ['aliases of aliases', `version: 2\n${laughs}`, 'x.yaml:1:1 grows too large by its aliases'],
  ])('refuses %s', (_name, text, problem) => {
    expect(firstProblem(text)).toBe(problem);
  });

  it('reads YAML 1.2, whatever version the file claims', () => {
    const config = parseConfig('%YAML 1.1\n---\nversion: 2\nports: [22:22]\n', 'x.yaml');
    expect(config.ports).toEqual(['22:22']);
  });

  it('lists 50 problems and counts the rest', () => {
    const text = `version: 2\n${numbered(1000, (n) => `unknown${n}: 1`)}`;
    expect(() => parseConfig(text, 'x.yaml')).toThrow(/and 950 more$/);
  });
});
