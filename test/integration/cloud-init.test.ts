import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createContext } from '../../src/context.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import type { Guest } from '../../src/core/guest.ts';
import type { Host } from '../../src/core/host.ts';
import type { Io, Progress } from '../../src/core/io.ts';
import { parseVmName } from '../../src/core/name.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import type { VmRecord } from '../../src/core/record.ts';
import { createSecret } from '../../src/core/secret.ts';
import { createTrace } from '../../src/core/trace.ts';
import { metaData, userData } from '../../src/guest/seed.ts';
import { createHost } from '../../src/host/local.ts';
import { bootstrap } from '../../src/images/bootstrap.ts';
import { findByReference } from '../../src/images/cache.ts';
import { makeLocked } from '../../src/images/make.ts';
import { customizeHook } from '../../src/images/recipe.ts';
import { clone, plainClone } from '../../src/ops/clone.ts';
import { deleteVm } from '../../src/ops/delete.ts';
import { start } from '../../src/ops/start.ts';
import type { VmStatus } from '../../src/ops/status.ts';
import { stop } from '../../src/ops/stop.ts';
import { noTrust } from '../../src/ops/trust.ts';

// cloud-init itself, once: a Debian like a vendor's image (no agent, sshd as a daemon, its address by DHCP), booted with
// the seed that CloneBox writes for such images.

/** Takes away what CloneBox's own image has over a vendor's. */
const vendorHook = `set -e
chroot "$1" dpkg --purge qemu-guest-agent
rm -r "$1/etc/systemd/system/qemu-guest-agent.service.d"
rm "$1/etc/systemd/network/10-clonebox.network" "$1/etc/modules-load.d/clonebox.conf"
rm "$1/etc/ssh/sshd_config.d/10-clonebox.conf"
chroot "$1" systemctl disable ssh.socket
chroot "$1" systemctl enable ssh.service
`;

const recipe = createHash('sha256').update(
  vendorHook + customizeHook({ reference: 'debian:12', date: '' }),
);
const reference = `cloud-init-test-${recipe.digest('hex').slice(0, 10)}`;
const name = parseVmName('vendor');
const user = { name: 'dev', uid: 1234, gid: 1234 };

let scratch: string;
let host: Host;
let ctx: Ctx;
let project: string;
let seedCopy: string;
let seedMode: number;
let record: VmRecord;
let firstCommandLine: string;
const said: Progress[] = [];

const io: Io = { ...quietIo(), emit: (progress) => said.push(progress) };

/** mmdebstrap with cloud-init and the hook above: the rest of the image is made as every other. */
function vendorHost(real: Host): Host {
  return {
    ...real,
    run: (argv, runIo, options) => {
      const extra = ['--include=cloud-init', `--customize-hook=${vendorHook}`];
      const [program = '', ...rest] = argv;
      // mmdebstrap runs hooks in the order they are given in: ours is the last before the release's name.
      const at = rest.lastIndexOf('bookworm');
      return program.endsWith('/mmdebstrap')
        ? real.run([program, ...rest.slice(0, at), ...extra, ...rest.slice(at)], runIo, options)
        : real.run(argv, runIo, options);
    },
  };
}

function connect(): Ctx {
  const options = { io, startedAt: Date.now(), trace: createTrace({}) };
  const inner = createContext(options, { host });
  return createContext(options, {
    host,
    prepareFirstBoot: async (made) => {
      await inner.prepareFirstBoot(made);
      const { seed } = inner.store.paths.vm(made.name);
      record = made;
      seedMode = statSync(seed).mode & 0o777;
      copyFileSync(seed, seedCopy);
    },
  });
}

async function withGuest<T>(use: (guest: Guest) => Promise<T>): Promise<T> {
  const guest = await ctx.openGuest(name);
  try {
    return await use(guest);
  } finally {
    await guest.close();
  }
}

/** Runs shell text in the guest as its user, or as root. */
function sh(script: string, as?: 'root'): Promise<string> {
  return withGuest(async (guest) => {
    const options = {
      timeout: 120_000,
      cwd: project,
      ...(as === undefined && { user: user.name }),
    };
    const result = await guest.exec(['sh', '-c', script], io, options);
    expect(result.exitCode, `${script}\n${result.stdout}\n${result.stderr}`).toBe(0);
    return result.stdout.trim();
  });
}

async function ssh(command: string) {
  const current = await ctx.store.read(name);
  if (current === undefined) throw new Error('no record');
  const argv = await ctx.sshCommand(current, { tty: false });
  expect(argv).toContain('StrictHostKeyChecking=yes');
  return host.run([...argv, command], io, { timeout: 120_000 });
}

async function commandLine(): Promise<string> {
  const started = await (await ctx.driver('qemu')).running(name);
  return readFileSync(`/proc/${started?.process.pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
}

const isRoot = process.getuid?.() === 0;
const title = 'a vendor’s image, set up by cloud-init';

describe.skipIf(!isRoot)(isRoot ? title : `${title} (skipped: the image is built as root)`, () => {
  beforeAll(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), 'cbc-'));
    seedCopy = path.join(scratch, 'seed.iso');
    project = path.join(scratch, 'project');
    mkdirSync(path.join(project, 'data'), { recursive: true });
    writeFileSync(path.join(project, 'data/fixed.txt'), 'read me\n');
    chownSync(project, user.uid, user.gid);
    writeFileSync(
      path.join(project, '.clonebox.yaml'),
      `version: '2'
vm:
  name: ${name}
  cpus: 2
  memory: 1G
  user: { name: ${user.name}, uid: ${user.uid}, gid: ${user.gid}, shell: /bin/bash }
shares:
  - { host: . }
  - { host: data, guest: /srv/data, mode: ro }
`,
    );
    const cache = process.env.CLONEBOX_CACHE ?? path.join(tmpdir(), 'clonebox-test-cache');
    host = createHost({
      ...process.env,
      CLONEBOX_HOME: path.join(scratch, 'home'),
      CLONEBOX_CACHE: path.join(cache, 'test'),
      SUDO_USER: undefined,
    });
    ctx = connect();
    const deps = { host: vendorHost(host), paths: ctx.store.paths, io };
    await makeLocked(deps, reference, {
      found: () => findByReference(deps, reference),
      make: async (building) => ({
        ...(await bootstrap(deps.host, io, { reference, release: '12', building })),
        setup: 'cloud-init',
      }),
    });
  });

  afterAll(async () => {
    const gone = { target: name, cwd: '/', purge: true, confirm: async () => true };
    if ((await ctx?.store.names())?.includes(name)) await deleteVm(ctx, gone);
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  });

  test('becomes the machine of the plan', async () => {
    const image = await ctx.images.find(reference);
    expect(image).toMatchObject({ setup: 'cloud-init', boot: { kind: 'direct' } });
    said.length = 0;
    ctx = connect();
    const made = await clone(ctx, {
      target: project,
      cwd: '/',
      ...plainClone,
      overrides: { image: reference },
      ...{ run: true, wait: true, trust: noTrust },
      keepFailed: process.env.CLONEBOX_KEEP_FAILED === '1',
    });
    firstCommandLine = await commandLine();
    expect(made.vm).toMatchObject({ name, state: 'running', user: user.name });
    console.info(`cloud-init: ${JSON.stringify(made.timings)}`);
    const phases = said.flatMap((one) => (one.kind === 'phase' ? [one.id] : []));
    expect(phases.slice(phases.indexOf('boot'))).toEqual([
      ...['boot', 'cloud-init', 'identity', 'shares'],
    ]);
    expect(said).toContainEqual({ kind: 'detail', text: 'status: done' });
  });

  test('was told by its seed how to be reached, and no secret', () => {
    expect(seedMode).toBe(0o600);
    expect(firstCommandLine).toContain(ctx.store.paths.vm(name).seed);
    // The volume's name is at byte 40 of sector 16 (ECMA-119, 8.4.7).
    const medium = readFileSync(seedCopy);
    expect(medium.toString('latin1', 16 * 2048 + 40, 16 * 2048 + 72).trimEnd()).toBe('cidata');
    const inside = path.join(scratch, 'seed');
    const extract = ['-osirrox', 'on', '-indev', seedCopy, '-extract', '/', inside];
    execFileSync('xorriso', extract, { stdio: 'pipe' });
    expect(readdirSync(inside).sort()).toEqual(['meta-data', 'user-data']);
    expect(readFileSync(path.join(inside, 'user-data'), 'utf8')).toBe(userData());
    expect(readFileSync(path.join(inside, 'meta-data'), 'utf8')).toBe(metaData(record));

    for (const secret of [
      /PRIVATE KEY/,
      /ssh-(ed25519|rsa) /,
      /(?<!lock_)passw(or)?d\s*:/i,
      /\$[56y]\$/,
    ])
      expect(secret.exec(medium.toString('latin1'))?.[0]).toBeUndefined();
    for (const word of userData().match(/\b[A-Za-z0-9+/=]{24,}\b/g) ?? [])
      expect.fail(`looks like a key: ${word}`);
  });

  test('has given up its seed, though it runs since', async () => {
    const { seed, disk } = ctx.store.paths.vm(name);
    const started = await (await ctx.driver('qemu')).running(name);
    const directory = `/proc/${started?.process.pid}/fd`;
    const open = readdirSync(directory).map((fd) => readlinkSync(path.join(directory, fd)));
    expect(open).toContain(disk);
    expect(open.filter((file) => file.startsWith(seed))).toEqual([]);
    expect(existsSync(seed)).toBe(false);
    // What the guest has cached of it is dropped first.
    const script = 'blockdev --flushbufs /dev/vdb && tr -d "\\0" < /dev/vdb | wc -c';
    expect(await sh(script, 'root')).toBe('0');
  });

  test('has a seed that cloud-init’s own schema accepts', async () => {
    await withGuest(async (guest) => {
      const check = async (text: string) => {
        await guest.writeFile('/root/user-data', text, io);
        const argv = ['cloud-init', 'schema', '--config-file', '/root/user-data'];
        return guest.exec(argv, io, { timeout: 180_000 });
      };
      const good = await check(userData());
      expect(good.exitCode, good.stdout + good.stderr).toBe(0);
      expect(good.stdout).toMatch(/^Valid /m);
      expect(good.stdout + good.stderr).not.toMatch(/deprecat/i);
      expect((await check('#cloud-config\npackages: 7\n')).exitCode).not.toBe(0);
    });
  });

  test('finished cloud-init without an error, from our medium, and will not run it again', async () => {
    const result = JSON.parse(await sh('cat /run/cloud-init/result.json', 'root'));
    expect(result.v1.errors).toEqual([]);
    expect(result.v1.datasource).toContain('NoCloud');
    expect(await sh('cat /var/lib/cloud/data/instance-id', 'root')).toBe(record.uuid);
    // Its address came by DHCP, as in a vendor's image.
    expect(await sh('ip -4 -o addr show dev eth0')).toContain('10.0.2.15/24');
    expect(await sh('ls /etc/cloud/cloud-init.disabled')).toBe('/etc/cloud/cloud-init.disabled');
  });

  test('has its name, its user and nobody else', async () => {
    const lines = await sh('hostname; id -u; id -g; id -un; echo $HOME; sudo -n id -u; pwd');
    expect(lines.split('\n')).toEqual([
      ...['vendor', '1234', '1234', 'dev', '/home/dev', '0', project],
    ]);
    const people = await sh(`awk -F: '$3 >= 1000 && $3 < 60000 { print $1 }' /etc/passwd`);
    expect(people).toBe('dev');
    // No account has a password, and no group file is left behind.
    expect(await sh(`awk -F: '$2 !~ /^[*!]/ { print $1 }' /etc/shadow`, 'root')).toBe('');
    expect(await sh('cat /etc/hostname; getent hosts vendor')).toMatch(/^vendor\n127\.0\.1\.1\s/);
  });

  test('mounts its shares, the read-only one for reading alone', async () => {
    expect(await sh('cat /srv/data/fixed.txt; echo from the guest > made')).toBe('read me');
    expect(statSync(path.join(project, 'made'))).toMatchObject({ uid: 1234, gid: 1234 });
    await sh('! echo no > /srv/data/fixed.txt');
    await sh('! echo no > /srv/data/fixed.txt', 'root');
    expect(readFileSync(path.join(project, 'data/fixed.txt'), 'utf8')).toBe('read me\n');
  });

  test('lets in who has the key, under its pinned host key', async () => {
    const login = await ssh('id -un; hostname');
    expect(login.stderr).toBe('');
    expect(login.stdout).toBe('dev\nvendor\n');
  });

  test('is not believed under another host key', async () => {
    const other = path.join(scratch, 'other');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
    const pinned = readFileSync(ctx.store.paths.vm(name).knownHosts, 'utf8');
    const [alias] = pinned.split(' ');
    const wrong = path.join(scratch, 'wrong-hosts');
    writeFileSync(wrong, `${alias} ${readFileSync(`${other}.pub`, 'utf8')}`);
    const current = (await ctx.store.read(name)) as VmRecord;
    const argv = (await ctx.sshCommand(current, { tty: false })).map((word) =>
      word.startsWith('UserKnownHostsFile=') ? `UserKnownHostsFile=${wrong}` : word,
    );
    const result = await host.run([...argv, 'true'], io, { timeout: 120_000 });
    expect(result.exitCode).toBe(255);
    expect(result.stderr).toMatch(/Host key verification failed/);
  });

  test('takes no password, neither from the user nor from root', async () => {
    const current = (await ctx.store.read(name)) as VmRecord;
    for (const login of [user.name, 'root']) {
      const extra = ['-o', 'PreferredAuthentications=none'];
      const argv = await ctx.sshCommand(current, { tty: false, user: login, extra });
      const result = await host.run([...argv, 'true'], io, { timeout: 120_000 });
      // In parentheses are the methods the server would take.
      expect(result.stderr).toContain('Permission denied (publickey).');
      expect(result.exitCode).toBe(255);
    }
  });

  test('takes one from its user alone where that was chosen, by a server that runs already', async () => {
    const password = createSecret('Correct-horse-7');
    await withGuest((guest) =>
      ctx.setup.setPassword(guest, { user: user.name, password, expire: true, ssh: true }, io),
    );
    const current = (await ctx.store.read(name)) as VmRecord;
    const extra = ['-o', 'PreferredAuthentications=none'];
    for (const [login, methods] of [
      [user.name, 'publickey,password'],
      ['root', 'publickey'],
    ] as const) {
      const argv = await ctx.sshCommand(current, { tty: false, user: login, extra });
      const refused = async () =>
        (await host.run([...argv, 'true'], io, { timeout: 120_000 })).stderr;
      // It is away for a moment while it reads its settings again.
      const wanted = `Permission denied (${methods}).`;
      await expect.poll(refused, { timeout: 60_000 }).toContain(wanted);
    }
    // The key is not held up by a password that must be changed.
    expect(await ssh('sudo -n id -un')).toMatchObject({ exitCode: 0, stdout: 'root\n' });
  });

  test('starts again without the seed, as the same machine', async () => {
    const paths = ctx.store.paths.vm(name);
    expect(existsSync(paths.seed)).toBe(false);
    expect(existsSync(paths.hostKey)).toBe(false);
    const before = await sh('cat /etc/machine-id /proc/sys/kernel/random/boot_id');
    await stop(ctx, { target: name, cwd: '/', force: false });
    ctx = connect();
    const again = await start(ctx, { target: name, cwd: '/', wait: true, trust: noTrust });
    console.info(`second start: ${JSON.stringify(again.timings)}`);
    expect(again.vm as VmStatus).toMatchObject({
      state: 'running',
      shares: [
        { guest: project, mounted: true },
        { guest: '/srv/data', mode: 'ro', mounted: true },
      ],
    });
    const line = await commandLine();
    expect(line).not.toContain('seed');
    expect(line).toContain('guest=vendor');
    const after = await sh('cat /etc/machine-id /proc/sys/kernel/random/boot_id');
    expect(after.split('\n')[0]).toBe(before.split('\n')[0]);
    expect(after.split('\n')[1]).not.toBe(before.split('\n')[1]);
    expect(await sh('hostname; ls /dev/vd*; cat made')).toBe('vendor\n/dev/vda\nfrom the guest');
    // This image brings its network and its sshd up later than the agent.
    await expect
      .poll(() => ssh('id -un; hostname'), { timeout: 300_000, interval: 1000 })
      .toMatchObject({ exitCode: 0, stdout: 'dev\nvendor\n' });
  });
});
