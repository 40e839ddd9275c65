import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseVmName } from '../core/name.ts';
import { createHost } from '../host/local.ts';
import { cacheFiles, createPaths, homeFiles, runtimeFiles, vmFiles } from './paths.ts';

const page = readFileSync(new URL('../../docs/internals.md', import.meta.url), 'utf8');

/** The first cells of the table below a heading, with what stands beside each. */
function table(heading: string): Map<string, string> {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const rows = section.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm);
  return new Map([...rows].map(([, path = '', what = '']) => [path, what]));
}

test.each([
  ['State directory', homeFiles],
  ['VM directory', vmFiles],
  ['Runtime directory', runtimeFiles],
  ['Cache directory', cacheFiles],
])('docs/internals.md lists every file of the %s, and no other', (heading, files) => {
  const documented = table(heading);
  expect([...documented.keys()].sort()).toEqual(Object.values(files).sort());
  for (const what of documented.values()) expect(what).toMatch(/\w{3}/);
});

test('every path that others are given is in a table', () => {
  const paths = createPaths(createHost({ CLONEBOX_HOME: '/home', CLONEBOX_CACHE: '/cache' }));
  const { home, cache, vm, runtimeOf, ...rest } = paths;
  const known = [
    ...Object.values(homeFiles).map((path) => `${home}/${path}`),
    ...Object.values(cacheFiles).map((path) => `${cache}/${path}`),
  ];
  for (const path of Object.values(rest)) expect(known).toContain(path);
  const { directory, ...files } = vm(parseVmName('web'));
  expect(directory).toBe(`${paths.vms}/web`);
  for (const path of Object.values(files)) {
    expect(Object.values(vmFiles).map((name) => `${directory}/${name}`)).toContain(path);
  }
});
