import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Guest, GuestExecOptions } from '../core/guest.ts';
import type { PlannedShare, VmPlan } from '../core/plan.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { MountedShare } from '../core/setup.ts';
import {
  liveShares,
  missingShares,
  parseMounts,
  renewShares,
  shareFailure,
  shareFiles,
} from './shares.ts';

const io = quietIo();

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

const share = (guest: string, over: Partial<MountedShare> = {}): MountedShare => ({
  ...{ tag: 'share0', host: '/host', guest, mode: 'rw', driver: '9p' },
  ...over,
});

function scriptOf(shares: readonly MountedShare[]): string {
  const file = shareFiles(shares).find(({ mode }) => mode === 0o755);
  return file?.content ?? '';
}

/** Runs the script with a `mount` and a `mkdir` that only write down their words; `mounts` is what is mounted already. */
function runScript(
  shares: readonly MountedShare[],
  options: { mounts?: string; fail?: string } = {},
) {
  const bin = join(scratch, 'bin');
  const mounts = join(scratch, 'mounts');
  const log = join(scratch, 'log');
  mkdirSync(bin, { recursive: true });
  rmSync(log, { force: true });
  writeFileSync(mounts, options.mounts ?? 'proc /proc proc rw 0 0\n');
  for (const name of ['mount', 'mkdir']) {
    writeFileSync(
      join(bin, name),
      `#!/bin/sh\nprintf '%s\\0' ${name} "$@" >> '${log}'\nprintf '\\1' >> '${log}'\nfor word; do [ "$word" != "$FAIL" ] || exit 32; done\n`,
    );
    chmodSync(join(bin, name), 0o755);
  }
  const script = scriptOf(shares).replaceAll('/proc/self/mounts', mounts);
  const env = { PATH: `${bin}:/usr/bin:/bin`, FAIL: options.fail ?? '<none>' };
  const result = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8', env });
  const calls = existsSync(log) ? readFileSync(log, 'utf8').split('\u0001').slice(0, -1) : [];
  return {
    status: result.status,
    stderr: result.stderr,
    calls: calls.map((call) => call.split('\0').slice(0, -1)),
  };
}

const hostile = [
  '/srv/two words',
  "/srv/it's",
  '/srv/"quoted"',
  '/srv/$HOME/$(touch pwned)/`id`',
  '/srv/back\\slash\\040',
  '/srv/new\nline',
  '/srv/;reboot',
  '/srv/-rf',
  '/srv/*?[a]',
  '/srv/ünïcode 🙂',
  '/srv/100%',
  '/srv/ trailing ',
];

describe('the script that mounts', () => {
  test('says exactly what is wanted of mount, by driver and mode', () => {
    const plain = [
      share('/a'),
      share('/b', { tag: 'share1', mode: 'ro' }),
      share('/c', { tag: 'share2', driver: 'virtiofs' }),
      share('/d', { tag: 'share3', driver: 'virtiofs', mode: 'ro' }),
    ];
    const nine = 'trans=virtio,version=9p2000.L,msize=262144,cache=mmap';
    expect(runScript(plain)).toEqual({
      status: 0,
      stderr: '',
      calls: [
        ['mkdir', '-p', '/a'],
        ['mount', '-t', '9p', '-o', nine, 'share0', '/a'],
        ['mkdir', '-p', '/b'],
        ['mount', '-t', '9p', '-o', `${nine},ro`, 'share1', '/b'],
        ['mkdir', '-p', '/c'],
        ['mount', '-t', 'virtiofs', 'share2', '/c'],
        ['mkdir', '-p', '/d'],
        ['mount', '-t', 'virtiofs', '-o', 'ro', 'share3', '/d'],
      ],
    });
  });

  test.each(hostile)('names %j in one word', (path) => {
    const { calls, status, stderr } = runScript([share(path)]);
    expect({ status, stderr, words: calls.map((call) => call.at(-1)) }).toEqual({
      status: 0,
      stderr: '',
      words: [path, path],
    });
  });

  test('is valid shell for any path there can be', () => {
    const path = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 30 })
      .filter((text) => !text.includes('\0'))
      .map((text) => `/${text}`);
    fc.assert(
      fc.property(path, (guest) => {
        // Each mount takes a `printf` for its program, whose words come back.
        const script = scriptOf([share(guest)])
          .replace(/mkdir -p /, 'printf "%s" ')
          .replace(/; mount .* share0 /, '; : ');
        const out = execFileSync('/bin/sh', ['-c', script]);
        expect(out.equals(Buffer.from(guest, 'utf8'))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('leaves alone what is mounted, and takes no tag for another', () => {
    const mounts = 'share1 /a 9p rw 0 0\n';
    const both = [share('/a', { tag: 'share1' }), share('/b', { tag: 'share10' })];
    expect(runScript(both, { mounts }).calls.map((call) => call.at(-1))).toEqual(['/b', '/b']);
  });

  test('fails as a whole when one share cannot be mounted, and tries no other', () => {
    const three = ['/a', '/b', '/c'].map((path, n) => share(path, { tag: `share${n}` }));
    const { status, calls } = runScript(three, { fail: '/b' });
    expect(status).not.toBe(0);
    expect(calls.some((call) => call.at(-1) === '/c')).toBe(false);
  });

  test('does nothing where nothing is shared', () => {
    expect(runScript([])).toEqual({ status: 0, stderr: '', calls: [] });
  });

  test('runs before the project’s commands at every boot, and each failure is one of the unit', () => {
    const files = shareFiles([share('/a')]);
    const unit = files.find(({ path }) => path.endsWith('/system/clonebox-shares.service'));
    expect(unit?.content).not.toMatch(/nofail|ExecStart=-/);
    expect(files.find(({ link }) => link !== undefined)).toEqual({
      path: '/etc/systemd/system/multi-user.target.wants/clonebox-shares.service',
      link: unit?.path,
    });
    const check = spawnSync('systemd-analyze', ['--version']);
    if (check.error !== undefined) return;
    const file = join(scratch, 'clonebox-shares.service');
    writeFileSync(file, unit?.content ?? '');
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    expect(verified.stderr.split('\n').filter((line) => line.includes('clonebox-shares'))).toEqual(
      [],
    );
  });
});

/** A path as the kernel writes it into /proc/self/mounts. */
function asKernel(path: string): string {
  return path.replace(
    /[ \t\n\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}

describe('the mounts of a guest', () => {
  test('are read as the kernel writes them', () => {
    const text = `/dev/vda / ext4 rw,relatime 0 0
share0 /home/me/two\\040words 9p rw,relatime,access=client,trans=virtio 0 0
share1 /srv/back\\134slash\\134040 virtiofs ro,relatime 0 0
proc /proc proc rw,nosuid 0 0

broken
`;
    expect(parseMounts(text)).toEqual([
      { source: '/dev/vda', path: '/', readOnly: false },
      { source: 'share0', path: '/home/me/two words', readOnly: false },
      { source: 'share1', path: '/srv/back\\slash\\040', readOnly: true },
      { source: 'proc', path: '/proc', readOnly: false },
    ]);
  });

  test('come back for any path', () => {
    const path = fc
      .string({ unit: 'binary', maxLength: 40 })
      .filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(fc.tuple(path, fc.boolean())), (all) => {
        const text = all
          .map(([one, ro]) => `tag ${asKernel(`/${one}`)} 9p ${ro ? 'ro' : 'rw'},sync 0 0\n`)
          .join('');
        expect(parseMounts(text)).toEqual(
          all.map(([one, readOnly]) => ({ source: 'tag', path: `/${one}`, readOnly })),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('hold a share only under its own tag, at its place, in its mode', () => {
    const wanted = [share('/a'), share('/b', { tag: 'share1', mode: 'ro' })];
    const ok = 'share0 /a 9p rw 0 0\nshare1 /b 9p ro,x 0 0\n';
    expect(missingShares(wanted, parseMounts(ok))).toEqual([]);
    for (const [from, to, missing] of [
      ['share0 /a', 'share2 /a', '/a'],
      ['share0 /a', 'share0 /A', '/a'],
      ['9p rw', '9p ro', '/a'],
      ['9p ro,x', '9p rw,ro=x', '/b'],
      ['share1 /b 9p ro,x 0 0\n', '', '/b'],
    ] as const) {
      const found = missingShares(wanted, parseMounts(ok.replace(from, to)));
      expect(found.map((one) => one.guest)).toEqual([missing]);
    }
  });
});

describe('the live shares of a plan', () => {
  test('have the slots of the machine, and copies have none', () => {
    const shares: PlannedShare[] = [
      { host: '/a', guest: '/a', mode: 'rw' },
      { host: '/b', guest: '/b', mode: 'copy' },
      { host: '/c', guest: '/d', mode: 'ro' },
    ];
    expect(liveShares({ shares } as unknown as VmPlan, 'virtiofs')).toEqual([
      { tag: 'share0', host: '/a', guest: '/a', mode: 'rw', driver: 'virtiofs' },
      { tag: 'share1', host: '/c', guest: '/d', mode: 'ro', driver: 'virtiofs' },
    ]);
  });
});

/** A guest of a few files that writes down what it is asked to run. */
function fakeGuest(files: Record<string, string>, stdout = '') {
  const ran: { argv: readonly string[]; options: GuestExecOptions | undefined }[] = [];
  const guest = {
    readFile: async (path: string) =>
      files[path] === undefined ? undefined : Buffer.from(files[path]),
    writeFile: async (path: string, content: string) => {
      files[path] = content;
    },
    exec: async (argv: readonly string[], _: unknown, options?: GuestExecOptions) => {
      ran.push({ argv, options });
      return { exitCode: 0, stdout, stderr: '', truncated: false };
    },
  } as unknown as Guest;
  return { guest, ran, files };
}

describe('a later start', () => {
  const path = '/usr/local/lib/clonebox/mount-shares';

  test('of the same shares by the same driver runs nothing in the guest', async () => {
    const { guest, ran } = fakeGuest({ [path]: scriptOf([share('/a')]) });
    await renewShares(guest, { shares: [share('/a')], dependents: ['web.service'] }, io);
    expect(ran).toEqual([]);
  });

  test.each([
    ['another driver', [share('/a', { driver: 'virtiofs' })]],
    ['another place', [share('/b')]],
    ['one more', [share('/a'), share('/b', { tag: 'share1' })]],
    ['none any more', []],
  ])('with %s mounts it, with the project’s commands over it', async (_, shares) => {
    const { guest, ran, files } = fakeGuest({ [path]: scriptOf([share('/a')]) });
    await renewShares(guest, { shares, dependents: ['web.service', 'worker.service'] }, io);
    expect(files[path]).toBe(scriptOf(shares));
    expect(ran).toHaveLength(1);
    const [shell, flag, script = '', ...words] = ran[0]?.argv ?? [];
    expect([shell, flag, ...words.slice(1)]).toEqual([
      ...['/bin/sh', '-c', 'web.service', 'worker.service'],
    ]);
    // The order: dependents and mounts go, then the new mounts, then the dependents.
    const bin = join(scratch, 'bin');
    mkdirSync(bin);
    const log = join(scratch, 'log');
    for (const name of ['systemctl', 'umount']) {
      writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} "$@" >> '${log}'\nexit 1\n`);
      chmodSync(join(bin, name), 0o755);
    }
    spawnSync('/bin/sh', ['-c', script, ...words], { env: { PATH: bin } });
    expect(readFileSync(log, 'utf8').trimEnd().split('\n')).toEqual([
      'systemctl stop clonebox-shares.service',
      'umount -a -l -t 9p,virtiofs',
      'systemctl start clonebox-shares.service',
      'systemctl start --no-block -- web.service worker.service',
    ]);
  });

  test('that cannot mount one says which, and what the guest said', async () => {
    const { guest, ran } = fakeGuest({}, 'mount: /a: bad option\n');
    const error = await shareFailure([share('/a'), share('/b c')], guest, io);
    expect(error).toMatchObject({
      code: 'guest-failed',
      message: 'not mounted in the guest: /a, /b c\nmount: /a: bad option',
      facts: { phase: 'shares', missing: ['/a', '/b c'] },
      hint: expect.stringContaining('vm.share_driver'),
    });
    expect(ran[0]?.argv).toContain('clonebox-shares.service');
  });
});
