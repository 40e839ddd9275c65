import { describe, expect, it } from 'vitest';
import { fits, installedBy } from './tools.ts';

describe('the tools of a step', () => {
  it.each([
    ['clonebox-install node@20', [['node', '20']]],
    [
      'clonebox-install node@^20.19.0 npm',
      [
        ['node', '^20.19.0'],
        ['npm', undefined],
      ],
    ],
    ['clonebox-install', []],
    ['clonebox-install cowsay', []],
    ['clonebox-install node; rm -rf /', []],
    ['corepack enable', []],
  ])('%s', (line, tools) => {
    expect(installedBy(line).map(({ name, version }) => [name, version])).toEqual(tools);
  });

  it('are what was asked for when they are of that line', () => {
    expect(fits('20.11.1', '20')).toBe(true);
    expect(fits('20.11.1', '20.11.1')).toBe(true);
    expect(fits('20.11.1', undefined)).toBe(true);
    expect(fits('20.20.2', '^20.19.0')).toBe(true);
    expect(fits('1.22', '1.22')).toBe(true);
    expect(fits('20.11.1', '2')).toBe(false);
    expect(fits('20.11.1', 'stable')).toBe(false);
    expect(fits('18.0.0', '20')).toBe(false);
  });
});
