import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../core/quiet-io.ts';
import type { VmRecord } from '../core/record.ts';
import type { VmPaths } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { makeKeys, sshArgv } from './ssh.ts';

const host = createHost();
const record = {
  name: 'shop',
  leases: [
    { name: 'web', guest: 8080, host: 8080 },
    { name: 'ssh', guest: 22, host: 2222 },
  ],
  plan: { name: 'shop', user: { name: 'me' } },
} as unknown as VmRecord;

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

function pathsIn(directory: string): VmPaths {
  const at = (name: string) => join(directory, name);
  return {
    ...{ directory, key: at('key'), publicKey: at('key.pub'), hostKey: at('host_key') },
    knownHosts: at('known_hosts'),
  } as VmPaths;
}

/** What ssh itself understands of an argv. */
async function understood(argv: readonly string[]): Promise<Map<string, string>> {
  const [program = '', ...rest] = argv;
  const text = execFileSync(program, ['-G', ...rest], { encoding: 'utf8' });
  return new Map(
    text.split('\n').map((line) => {
      const [key = '', value = ''] = line.split(/ (.*)/s);
      return [key, value] as const;
    }),
  );
}

describe('ssh', () => {
  test.each([
    '/home/me/.local/share/clonebox',
    '/home/two words/clonebox',
    '/srv/100%h/clonebox',
    '/srv/back\\slash',
    '/srv/"quoted"',
    "/srv/it's",
    '/srv/ünï',
    '/srv/#1',
    '/srv/a=b,c',
  ])('goes by the key and the host key in %j alone', async (directory) => {
    const paths = pathsIn(directory);
    const seen = await understood(await sshArgv(host, record, { tty: false, paths }));
    // ssh shows this one before it has looked for `%h` and the like.
    expect(seen.get('identityfile')).toBe(paths.key.replaceAll('%', '%%'));
    expect(seen.get('userknownhostsfile')).toBe(paths.knownHosts);
    expect(Object.fromEntries(seen)).toMatchObject({
      ...{ hostname: '127.0.0.1', port: '2222', user: 'me' },
      ...{ hostkeyalias: 'clonebox-shop', stricthostkeychecking: 'true' },
      ...{ identitiesonly: 'yes', identityagent: 'none', globalknownhostsfile: '/dev/null' },
      ...{ forwardagent: 'no', batchmode: 'yes', requesttty: 'false' },
    });
  });

  test('opens what it is told to: a key in a directory of any name', async () => {
    for (const name of ['plain', 'two words', '100%h', 'back\\slash', '"q"', "it's"]) {
      const directory = join(scratch, name);
      mkdirSync(directory);
      const paths = pathsIn(directory);
      await makeKeys(host, record, { paths, io: quietIo() });
      const argv = await sshArgv(host, record, { tty: false, paths });
      // Nobody answers at that port: ssh has read its files by then, and complains about those it could not.
      const words = argv.map((word) => word.replace(/^Port=.*/, 'Port=1'));
      const result = await host.run([...words, 'true'], quietIo(), { timeout: 20_000 });
      expect(result.stderr).toMatch(/Connection refused/);
      expect(result.stderr).not.toMatch(/no such identity|not accessible|percent_expand/i);
    }
  });

  test('is another user’s or a terminal’s when told so', async () => {
    const paths = pathsIn('/x');
    const argv = await sshArgv(host, record, { tty: true, user: 'root', paths, extra: ['-N'] });
    const seen = await understood(argv);
    expect(seen.get('user')).toBe('root');
    expect(argv.slice(-3)).toEqual(['-tt', '-N', 'clonebox-shop']);
  });

  test('to a VM without a port for it fails before it is tried', async () => {
    const none = { ...record, leases: [] };
    await expect(sshArgv(host, none, { tty: false, paths: pathsIn('/x') })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('the keys of a VM', () => {
  test('are its own, private, and the host key is pinned under its name', async () => {
    const paths = pathsIn(scratch);
    await makeKeys(host, record, { paths, io: quietIo() });
    for (const file of [paths.key, paths.publicKey, paths.hostKey, `${paths.hostKey}.pub`])
      expect(statSync(file).mode & 0o777).toBe(0o600);
    const [type, key] = readFileSync(`${paths.hostKey}.pub`, 'utf8').split(' ');
    expect(type).toBe('ssh-ed25519');
    expect(readFileSync(paths.knownHosts, 'utf8')).toBe(`clonebox-shop ${type} ${key}\n`);
    expect(readFileSync(paths.publicKey, 'utf8')).not.toContain(key);
    const derived = execFileSync('ssh-keygen', ['-y', '-P', '', '-f', paths.key], {
      encoding: 'utf8',
    });
    expect(readFileSync(paths.publicKey, 'utf8').trim()).toBe(derived.trim());
  });

  test('that are there already are never written over', async () => {
    const paths = pathsIn(scratch);
    await makeKeys(host, record, { paths, io: quietIo() });
    const before = readFileSync(paths.key, 'utf8');
    await expect(makeKeys(host, record, { paths, io: quietIo() })).rejects.toMatchObject({
      code: 'host-unable',
      facts: { path: paths.key },
    });
    expect(readFileSync(paths.key, 'utf8')).toBe(before);
  });
});
