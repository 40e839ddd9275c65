import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GuestUser, RunUnit } from '../core/plan.ts';
import { systemdQuote } from '../lib/quote.ts';
import { runUnitFiles, runUnitName } from './units.ts';

const me: GuestUser = { name: 'me', uid: 1000, gid: 1000, shell: '/bin/sh' };
const web: RunUnit = {
  name: 'web',
  command: ['node', 'server.js'],
  cwd: '/home/me/shop',
  env: { PORT: '8080' },
  port: 8080,
  restart: 'on-failure',
};

function textOf(unit: RunUnit, user = me, environment: Record<string, string> = {}): string {
  return runUnitFiles([unit], { user, environment, waiting: new Set() })[0]?.content ?? '';
}

const valuesOf = (text: string, key: string) =>
  text
    .split('\n')
    .flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));

/** systemd's own rules for a quoted word (systemd.syntax(7)), and for `%` in units. */
function unquote(word: string): string {
  const [, inner] = /^"((?:[^"\\]|\\.)*)"$/s.exec(word) ?? [];
  if (inner === undefined) throw new Error(`not one word: ${word}`);
  const escapes: Record<string, string> = { '\\': '\\', '"': '"', n: '\n', t: '\t' };
  const text = inner.replace(/\\(x[0-9a-f]{2}|.)/gs, (_, code: string) => {
    if (code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const character = escapes[code];
    if (character === undefined) throw new Error(`no escape of systemd: \\${code}`);
    return character;
  });
  if (/(^|[^%])(%%)*%([^%]|$)/.test(text)) throw new Error(`a specifier: ${text}`);
  return text.replaceAll('%%', '%');
}

describe('a quoted word', () => {
  test('is the word again when systemd has read it', () => {
    const text = fc.string({ unit: 'binary' }).filter((word) => !word.includes('\0'));
    fc.assert(
      fc.property(text, (word) => {
        expect(unquote(systemdQuote(word))).toBe(word);
        expect(systemdQuote(word)).not.toMatch(/[\n\r]/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a run command', () => {
  test('is a unit that starts over the shares, as the user, in its directory', () => {
    const files = runUnitFiles([web, { ...web, name: 'worker' }], {
      user: me,
      environment: {},
      waiting: new Set(),
    });
    expect(files.map(({ path, link }) => [path, link])).toEqual([
      ['/etc/systemd/system/clonebox-run-web.service', undefined],
      [
        '/etc/systemd/system/multi-user.target.wants/clonebox-run-web.service',
        '/etc/systemd/system/clonebox-run-web.service',
      ],
      ['/etc/systemd/system/clonebox-run-worker.service', undefined],
      [
        '/etc/systemd/system/multi-user.target.wants/clonebox-run-worker.service',
        '/etc/systemd/system/clonebox-run-worker.service',
      ],
    ]);
    const text = files[0]?.content ?? '';
    expect(valuesOf(text, 'Requires')).toEqual(['clonebox-shares.service']);
    expect(valuesOf(text, 'After')[0]).toContain('clonebox-shares.service');
    expect(valuesOf(text, 'User')).toEqual(['me']);
    expect(valuesOf(text, 'Restart')).toEqual(['on-failure']);
    expect(valuesOf(text, 'WorkingDirectory')).toEqual(['/home/me/shop']);
    expect(valuesOf(text, 'ExecStart')).toEqual([':"node" "server.js"']);
  });

  test.each([
    ['of a path that systemd cannot name', { cwd: '/srv/two\nlines' }, {}],
    ['of a path that ends with a space', { cwd: '/srv/shop ' }, {}],
    ['that is a path in the project', { command: ['./server', 'x'] }, {}],
    ['that systemd would take for a prefix', { command: ['-server'] }, {}],
    ['to be found by a PATH of its own', { env: { PATH: '/opt/bin' } }, {}],
    ['to be found by a PATH of the project', {}, { PATH: '/opt/bin' }],
  ])('%s is begun by env', (_, odd, environment) => {
    const unit = { ...web, ...odd };
    const text = textOf(unit, me, environment);
    expect(valuesOf(text, 'WorkingDirectory')).toEqual([]);
    const words = ['/usr/bin/env', `--chdir=${unit.cwd}`, '--', ...unit.command];
    expect(valuesOf(text, 'ExecStart')).toEqual([`:${words.map(systemdQuote).join(' ')}`]);
  });

  test('with a path of its own is begun by systemd, whatever PATH is', () => {
    const command = ['/opt/bin/server'];
    const text = textOf({ ...web, cwd: '/srv/100% mine', command }, me, { PATH: '/opt/bin' });
    expect(valuesOf(text, 'WorkingDirectory')).toEqual(['/srv/100%% mine']);
    expect(valuesOf(text, 'ExecStart')).toEqual([':"/opt/bin/server"']);
  });

  test('of root names no user', () => {
    expect(textOf(web, { ...me, name: 'root', uid: 0 })).not.toMatch(/^User=/m);
  });

  test('has its own variables over those of the project, and both exactly', () => {
    const own = { PORT: '8080', QUOTE: 'a "b" $HOME \\n 100%' };
    const text = textOf({ ...web, env: own }, me, { PORT: '1', LANG: 'C.UTF-8' });
    expect(valuesOf(text, 'Environment').map(unquote)).toEqual([
      ...['PORT=8080', 'LANG=C.UTF-8', 'QUOTE=a "b" $HOME \\n 100%'],
    ]);
    // It would go over them all (systemd.exec(5)).
    expect(text).not.toMatch(/EnvironmentFile/);
  });

  test('with words that mean something to systemd loads without a complaint', ({ skip }) => {
    if (spawnSync('systemd-analyze', ['--version']).error !== undefined)
      skip('systemd-analyze is not installed');
    const directory = mkdtempSync(join(tmpdir(), 'cb-'));
    try {
      const words = [
        'two words',
        `it's "x"`,
        '100% %h',
        '$HOME',
        'a\\b',
        'new\nline',
        '',
        ';',
        '🙂',
      ];
      const odd = { ...web, command: ['true', ...words], env: { ODD: words.join(' ') } };
      const file = join(directory, runUnitName(web));
      const text = textOf({ ...odd, cwd: `/srv/${words.join('')}` }, me);
      // The shares are another file; what is checked is the reading of this one.
      writeFileSync(file, text.replaceAll('clonebox-shares.service', 'basic.target'));
      const verify = () =>
        spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
          .stderr.split('\n')
          .filter((line) => line.includes(runUnitName(web)));
      expect(verify()).toEqual([]);
      const plain = { ...web, command: ['true', ...words], cwd: '/srv/100% mine' };
      writeFileSync(file, textOf(plain).replaceAll('clonebox-shares.service', 'basic.target'));
      expect(verify()).toEqual([]);
      writeFileSync(file, text.replace('"--"', '"--'));
      expect(verify()).not.toEqual([]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
