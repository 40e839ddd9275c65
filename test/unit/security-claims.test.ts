import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const page = path.resolve(import.meta.dirname, '../../docs/security.md');
const text = readFileSync(page, 'utf8');

/** The rows of the tables, without their heads. */
const rows = text
  .split('\n')
  .filter((line) => /^\| (?!Claim \||---)/.test(line))
  .map((line) => {
    const [, claim = '', tests = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    return { claim, tests };
  });

/** Each test of a cell: `[file](../path) "name", "another name"; [another file](…) …`. */
function named(tests: string): { file: string; name: string }[] {
  return [...tests.matchAll(/\]\((\.\.\/[^)]+)\)((?:,? "[^"]+")+)/g)].flatMap(
    ([, file = '', names = '']) =>
      [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
  );
}

/** Whether a file has a test, a block of tests or a row of `each` of this name that is not left out. */
function has(source: string, name: string): boolean {
  const literal = name.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  const call = new RegExp(`(\\.(?:skip|todo))?[([]\\s*(['"\`])${literal}\\2\\s*,`, 'g');
  return [...source.matchAll(call)].some(([, leftOut]) => leftOut === undefined);
}

it.each(rows)('what holds this up is there: $claim', ({ tests }) => {
  const all = named(tests);
  if (all.length === 0) expect(tests).toMatch(/^not tested: \S/);
  // Nothing in the cell has the look of a test and is not read as one.
  expect(all.length).toBe(tests.match(/"[^"]+"/g)?.length ?? 0);
  expect(new Set(all.map(({ file }) => file)).size).toBe(tests.match(/\]\(/g)?.length ?? 0);
  for (const { file, name } of all) {
    const at = path.resolve(path.dirname(page), file);
    expect(existsSync(at), `${file} is not there`).toBe(true);
    expect(has(readFileSync(at, 'utf8'), name), `${file} has no test "${name}"`).toBe(true);
  }
});

it('every section that promises something says what holds it up', () => {
  const open = ['Threat model', 'What a hostile guest can still do'];
  const sections = text.split(/^##+ /m).slice(1);
  const bare = sections.filter((section) => !section.includes('\n| Claim | Test |\n'));
  expect(bare.map((section) => section.split('\n')[0])).toEqual(open);
});

it('a test that is gone, or left out, is not taken for one that is there', () => {
  const source = `test('one', x); test.skip('two', x); it.each([['three', 1]])(\n  "it's %s",\n x)`;
  expect(['one', 'three', "it's %s"].map((name) => has(source, name))).toEqual([true, true, true]);
  expect(['two', 'on', 'four'].map((name) => has(source, name))).toEqual([false, false, false]);
});
