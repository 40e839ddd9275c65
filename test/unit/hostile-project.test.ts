import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quietIo } from '../../src/core/quiet-io.ts';
import { readNeeds } from '../../src/detect/project/read-needs.ts';
import { treeOf } from '../fixtures/tree-of.ts';

let project: string;
beforeEach(() => {
  // In memory, where there is such a place: a disk would need minutes for so many.
  const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  project = mkdtempSync(path.join(place, 'cb-hostile-'));
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

const at = (name: string) => path.join(project, name);
const needs = async () => readNeeds(await treeOf(project), quietIo());

describe('a project is read for what it is', () => {
  it('with 200,000 files, in one directory and in many', async () => {
    writeFileSync(at('package.json'), '{"engines":{"node":">=20"}}');
    for (let index = 0; index < 100_000; index++) writeFileSync(at(`f${index}`), '');
    for (let directory = 0; directory < 400; directory++) {
      mkdirSync(at(`d${directory}`));
      for (let index = 0; index < 250; index++) writeFileSync(at(`d${directory}/f${index}`), '');
    }
    const { ecosystems, tools } = await needs();
    expect(ecosystems).toEqual(['Node.js']);
    expect(tools[0]).toMatchObject({ name: 'node', range: '>=20.0.0' });
  }, 120_000);

  it('with links that lead in circles, out of it, and to nowhere', async () => {
    writeFileSync(at('go.mod'), 'module x\ngo 1.22\n');
    for (const [name, target] of [
      ['self', 'self'],
      ['around', '.'],
      ['there', 'back'],
      ['back', 'there'],
      ['package.json', '/etc/hostname'],
      ['Cargo.toml', 'nowhere'],
    ] as const)
      symlinkSync(target, at(name));
    const { ecosystems, notes } = await needs();
    expect(ecosystems).toEqual(['Go']);
    expect(notes).toContain('package.json is left out: it is a link out of the project');
  });

  it('with manifests that are huge, binary, no text, or a directory', async () => {
    writeFileSync(at('package.json'), ' '.repeat(2 * 1024 ** 2));
    writeFileSync(at('pyproject.toml'), Buffer.from([0x5b, 0, 0xff, 0xfe]));
    writeFileSync(at('go.mod'), Buffer.from([0xff, 0xfe, 0x67]));
    mkdirSync(at('Cargo.toml'));
    writeFileSync(at('compose.yaml'), `a: &a [${'x,'.repeat(50)}]\nb: [${'*a,'.repeat(5000)}]\n`);
    const { ecosystems, tools, notes } = await needs();
    expect(tools.filter(({ range }) => range !== undefined)).toEqual([]);
    expect(ecosystems).not.toContain('Node.js');
    expect(notes).toEqual(
      expect.arrayContaining([
        'package.json is left out: it is longer than 1 MiB',
        'pyproject.toml is left out: it is not text',
      ]),
    );
  });
});
