import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseVmName } from '../core/name.ts';
import { createHost } from '../host/local.ts';
import { createPaths, isInside, normalizePath } from './paths.ts';

const web = parseVmName('web');
const pathsFor = (env: NodeJS.ProcessEnv) => createPaths(createHost({ HOME: '/home/me', ...env }));
const { uid } = createHost().user;

test('without variables everything is in the XDG default directories', () => {
  const paths = pathsFor({ XDG_RUNTIME_DIR: '/run/user/1000' });
  expect(paths.home).toBe('/home/me/.local/share/clonebox');
  expect(paths.cache).toBe('/home/me/.cache/clonebox');
  expect(paths.runtime).toBe('/run/user/1000/clonebox');
  expect(paths.vm(web).disk).toBe('/home/me/.local/share/clonebox/vms/web/disk.qcow2');
});

test('XDG directories are followed when absolute and ignored when relative', () => {
  const paths = pathsFor({
    XDG_DATA_HOME: '/data',
    XDG_CACHE_HOME: 'cache',
    XDG_RUNTIME_DIR: 'run',
  });
  expect(paths.home).toBe('/data/clonebox');
  expect(paths.cache).toBe('/home/me/.cache/clonebox');
  expect(paths.runtime).toBe(`/tmp/clonebox-${uid}`);
});

test('CLONEBOX_HOME takes state and sockets, CLONEBOX_CACHE takes images', () => {
  const paths = pathsFor({
    CLONEBOX_HOME: '/s//state/',
    CLONEBOX_CACHE: '/c',
    XDG_RUNTIME_DIR: '/run/user/1000',
  });
  expect(paths.home).toBe('/s/state');
  expect(paths.runtime).toBe('/s/state/run');
  expect(paths.images).toBe('/c/images');
});

test('profiles of the user are among the configuration, or in CLONEBOX_HOME', () => {
  expect(pathsFor({}).profiles).toBe('/home/me/.config/clonebox/profiles');
  expect(pathsFor({ XDG_CONFIG_HOME: '/etc/me/' }).profiles).toBe('/etc/me/clonebox/profiles');
  expect(pathsFor({ XDG_CONFIG_HOME: 'me' }).profiles).toBe('/home/me/.config/clonebox/profiles');
  expect(pathsFor({ CLONEBOX_HOME: '/s', XDG_CONFIG_HOME: '/x' }).profiles).toBe('/s/profiles');
});

test('an empty variable counts as unset', () => {
  expect(pathsFor({ CLONEBOX_HOME: '' }).home).toBe('/home/me/.local/share/clonebox');
});

test.each(['CLONEBOX_HOME', 'CLONEBOX_CACHE'])('a relative %s is a usage error', (variable) => {
  expect(() => pathsFor({ [variable]: 'state' })).toThrow(
    expect.objectContaining({ code: 'usage', facts: { variable, value: 'state' } }),
  );
});

test('a home too long for sockets gets a runtime directory of its own in the temporary directory', () => {
  const first = pathsFor({ CLONEBOX_HOME: `/${'a'.repeat(100)}`, TMPDIR: '/var/tmp' });
  const second = pathsFor({ CLONEBOX_HOME: `/${'b'.repeat(100)}`, TMPDIR: '/var/tmp' });
  expect(first.runtime).toMatch(new RegExp(`^/var/tmp/clonebox-${uid}-[0-9a-f]{8}$`));
  expect(second.runtime).not.toBe(first.runtime);
});

test('no socket path is longer than the 107 bytes the kernel takes', () => {
  const directory = fc
    .array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { maxLength: 8 })
    .map((parts) => `/${parts.map((part) => part.replace(/[/\0]/g, '_')).join('/')}`);
  const variable = fc.option(directory, { nil: '' });
  fc.assert(
    fc.property(variable, variable, variable, (home, temporary, session) => {
      const paths = pathsFor({
        CLONEBOX_HOME: home,
        TMPDIR: temporary,
        XDG_RUNTIME_DIR: session,
      });
      const socket = `${paths.runtimeOf(web)}/${'s'.repeat(20)}`;
      expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(107);
    }),
  );
});

test("a VM's runtime directory is named by the hash of its home and name", () => {
  const paths = pathsFor({ CLONEBOX_HOME: '/s' });
  const hash = createHash('sha256').update('/s/web').digest('hex').slice(0, 8);
  expect(paths.runtimeOf(web)).toBe(`/s/run/vms/${hash}`);
});

test('working out the paths touches nothing', ({ onTestFinished }) => {
  const root = mkdtempSync(join(tmpdir(), 'cb-paths-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const paths = pathsFor({ CLONEBOX_HOME: join(root, 'home') });
  paths.runtimeOf(web);
  expect(readdirSync(root)).toEqual([]);
  expect(existsSync(paths.home)).toBe(false);
});

test('a normalised path has no dots, doubled or final slashes', () => {
  expect(normalizePath('/a//b/./../c/')).toBe('/a/c');
  expect(normalizePath('/../..')).toBe('/');
});

test('a directory is not inside itself, and a longer name is not inside a shorter one', () => {
  expect(isInside('/a/b', '/a')).toBe(true);
  expect(isInside('/a', '/a')).toBe(false);
  expect(isInside('/a/', '/a')).toBe(false);
  expect(isInside('/ab', '/a')).toBe(false);
});
