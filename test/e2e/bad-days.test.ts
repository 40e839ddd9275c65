import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CliOptions,
  type CliResult,
  cache,
  cli,
  freshHome,
  ok,
  processesWith,
  scratch,
} from './support/cli.ts';
import { quickImages } from './support/quick-images.ts';
import { expectFailure, snapshot, tracesOf } from './support/traces.ts';

// What goes wrong while machines are made and run. One machine at a time; all but one begin with a shell in the place
// of systemd, which is much faster and all the same to what is tested.

const home = freshHome();
const area = scratch();
const quick = scratch();
/** Where a small file system is mounted. */
const small = freshHome();
let env: Record<string, string> = { CLONEBOX_HOME: home, CLONEBOX_CACHE: quick };

beforeAll(() => quickImages(quick));

interface Vm {
  name: string;
  state: string;
  reason: string | null;
  pid: number;
  accel: string;
  accelReason: string;
  ports: { name: string; guest: number; host: number }[];
}

/** Makes a project that is named like its VM. */
function project(name: string, lines = ''): string {
  const directory = path.join(area, name);
  mkdirSync(directory);
  const vm = `{ name: ${name.replace(/\W+/g, '-').replace(/-$/, '')}, cpus: 1, memory: 384M }`;
  writeFileSync(path.join(directory, '.clonebox.yaml'), `version: '2'\nvm: ${vm}\n${lines}`);
  return directory;
}

const clone = (directory: string, words: readonly string[] = [], options: CliOptions = {}) =>
  cli(['clone', directory, '--run', '--no-template', '--image', 'quick', ...words], {
    ...{ env, ...options },
  });

const status = async (name: string) => (await ok(['status', name, '--json'], { env })).json<Vm>();

const list = async () => (await ok(['list', '--json'], { env })).json<{ vms: Vm[] }>().vms;

const purge = (name: string) => ok(['delete', name, '--purge', '--yes'], { env });

/** Sends a signal to the whole process group, as a terminal does, once standard error shows a text. */
function signalAt(text: RegExp, signal: NodeJS.Signals): CliOptions {
  let sent = false;
  return {
    group: true,
    onStderr: (told, child) => {
      if (sent || !text.test(told) || child.pid === undefined) return;
      sent = true;
      process.kill(-child.pid, signal);
    },
  };
}

describe('a VM that is there', () => {
  let directory: string;

  it('was made once when two asked for it at the same time', async () => {
    directory = project('twice');
    const results = await Promise.all([clone(directory), clone(directory)]);
    const lost = results.find((one) => one.exitCode !== 0) as CliResult;
    const told = results.map((one) => one.stderr).join('\n');
    expect(results.map((one) => one.exitCode).sort(), told).toEqual([0, 5]);
    expectFailure(lost, {
      ...{ exit: 5, code: 'conflict' },
      says: [/vm twice is locked by process \d+ \(clonebox clone/],
      hint: /Wait until it has ended/,
    });
    expect(await status('twice')).toMatchObject({ state: 'running' });
  });

  it('is left as it is by a second start, and says how it is accelerated and why', async () => {
    const { pid, accel, accelReason } = await status('twice');
    expect((await ok(['start', directory, '--json'], { env })).json()).toMatchObject({
      outcome: 'unchanged',
      vm: { state: 'running', pid },
    });
    expect(accel).toMatch(/^(tcg|kvm)$/);
    expect(accelReason).not.toBe('');
  });

  it('is stopped after it was killed from outside', async () => {
    const { pid } = await status('twice');
    process.kill(pid, 'SIGKILL');
    await expect.poll(async () => (await status('twice')).state).toBe('stopped');
    expect(await list()).toMatchObject([{ name: 'twice', state: 'stopped', reason: null }]);
    expectFailure(await cli(['exec', 'twice', '--', 'true'], { env }), {
      ...{ exit: 5, code: 'conflict', says: [/twice is stopped/], hint: /clonebox start twice/ },
    });
  });

  it('stops again when its start is interrupted', async () => {
    const result = await cli(['start', 'twice'], { env, ...signalAt(/^Booting/m, 'SIGINT') });
    expect(result.exitCode, result.stderr).toBe(130);
    expect(await status('twice')).toMatchObject({ state: 'stopped' });
    expect(processesWith(`${home}/`)).toEqual([]);
  });

  it('starts again after all that, and has everything', async () => {
    await ok(['start', 'twice'], { env });
    const ls = await ok(['exec', 'twice', '--', 'ls', '-A'], { env });
    expect(ls.stdout).toBe('.clonebox.yaml\n');
    await ok(['stop', 'twice', '--force'], { env });
    await expect.poll(() => processesWith(`${home}/`)).toEqual([]);
  });
});

describe('a clonebox that was killed', () => {
  it('while the machine booted leaves a broken VM that can be deleted', async () => {
    const directory = project('cut-boot');
    const killed = await clone(directory, [], signalAt(/^Booting/m, 'SIGKILL'));
    expect(killed.exitCode).toBe(137);
    expect(await list()).toMatchObject([
      { name: 'cut-boot', state: 'broken', reason: expect.stringMatching(/interrupted/) },
      { name: 'twice', state: 'stopped', reason: null },
    ]);
    expect((await ok(['list'], { env })).stdout).toMatch(/cut-boot: its creation was interrupted/);
    expect((await ok(['doctor'], { env })).stdout).toMatch(/vm.create of cut-boot stopped at/);
    await purge('cut-boot');
    expect(tracesOf(home, 'cut-boot')).toEqual([]);
  });

  it('while it was provisioned leaves a broken VM that the next clone makes anew', async () => {
    const directory = project(
      'cut',
      `provision: [{ run: 'test -e ${area}/cut/go || sleep 600' }]\n`,
    );
    const killed = await clone(directory, [], signalAt(/^Running provisioning/m, 'SIGKILL'));
    expect(killed.exitCode).toBe(137);
    const [broken] = await list();
    expect(broken).toMatchObject({ name: 'cut', state: 'broken' });
    expectFailure(await cli(['exec', 'nobody', '--', 'true'], { env }), {
      ...{ exit: 4, code: 'not-found', says: [/nobody/], hint: /clonebox list/ },
    });
    writeFileSync(path.join(directory, 'go'), '');
    const again = await clone(directory);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stderr).toMatch(/took back an interrupted vm.create of cut/);
    expect((await ok(['exec', 'cut', '--', 'hostname'], { env })).stdout).toBe('cut\n');
    // It runs, and nothing of the first attempt does.
    expect(processesWith(`guest=cut,`)).toHaveLength(1);
    await purge('cut');
    expect(tracesOf(home, 'cut')).toEqual([]);
  });
});

describe('Ctrl-C', () => {
  let directory: string;
  let before: string[];

  beforeAll(() => {
    directory = project('stopped', 'provision: [{ run: sleep 600 }]\n');
    before = snapshot(directory);
  });

  it.each([
    ['the disk is made', /^Making the disk/m],
    ['the machine starts', /^Starting the machine/m],
    ['it boots', /^Booting/m],
    ['it gets its identity', /^Making it/m],
    ['shares are mounted', /^Mounting the shared/m],
    ['it is provisioned', /^Running provisioning/m],
  ])('while %s leaves nothing behind', async (_, phase) => {
    const result = await clone(directory, [], signalAt(phase, 'SIGINT'));
    expect(result.exitCode, result.stderr).toBe(130);
    expect(result.stderr).toMatch(/interrupted/);
    expect(result.stderr).not.toMatch(/could not|not everything|bug/);
    expect(tracesOf(home, 'stopped')).toEqual([]);
    expect(snapshot(directory)).toEqual(before);
    expect((await list()).filter((vm) => vm.name === 'stopped')).toEqual([]);
  });

  it.each([
    ['its post_commands run', 'post', 'post_commands: [sleep 600]', /^Running post_commands/m],
    [
      'its own commands start',
      'own',
      "run: { web: { command: [sleep, '600'], port: 8080 } }",
      /^Starting the project's own/m,
    ],
  ])('while %s leaves nothing behind', async (_, name, lines, phase) => {
    const other = project(`stopped-${name}`, `${lines}\n`);
    const result = await clone(other, [], signalAt(phase, 'SIGINT'));
    expect(result.exitCode, result.stderr).toBe(130);
    expect(tracesOf(home, `stopped-${name}`)).toEqual([]);
  });

  it('while ports are waited for keeps the VM, which is whole', async () => {
    const other = project('waiting', "ports: ['8080']\n");
    const result = await clone(other, [], signalAt(/^Waiting for/m, 'SIGINT'));
    expect(result.exitCode, result.stderr).toBe(130);
    expect(await status('waiting')).toMatchObject({ state: 'running', reason: null });
    await ok(['exec', 'waiting', '--', 'true'], { env });
    await purge('waiting');
    expect(tracesOf(home, 'waiting')).toEqual([]);
  });
});

describe('a step that fails', () => {
  const step = "provision: [{ run: 'echo the reason is here; exit 7' }]\n";
  const says = [
    /Running provisioning steps/,
    /echo the reason is here; exit 7.* failed with status 7/,
    /^the reason is here$/m,
  ];

  it('is told with its phase and last words, and everything made is taken back', async () => {
    const directory = project('failing', step);
    const result = await clone(directory);
    expectFailure(result, { exit: 8, code: 'guest-failed', says, hint: /--keep-failed/ });
    expect(tracesOf(home, 'failing')).toEqual([]);
  });

  it('leaves the VM to be looked at with --keep-failed', async () => {
    const directory = project('kept', step);
    const result = await clone(directory, ['--keep-failed', '--json']);
    const hint = /clonebox ssh kept.*clonebox logs kept.*clonebox delete kept/;
    expectFailure(result, { exit: 8, code: 'guest-failed', says, hint });
    expect(result.json()).toMatchObject({
      error: { facts: { phase: 'provision', exitCode: 7, kept: 'kept' } },
    });
    expect((await list())[0]).toMatchObject({
      name: 'kept',
      state: 'broken',
      reason: expect.stringMatching(/status 7/),
    });
    const inside = await ok(['exec', 'kept', '--', 'hostname'], { env });
    expect(inside.stdout).toBe('kept\n');
    for (const words of [
      ['clone', directory],
      ['start', 'kept'],
    ]) {
      const again = await cli(words, { env });
      expect([5, 8], again.stderr).toContain(again.exitCode);
      expect(again.stderr).toMatch(/kept is broken/);
      expect(again.stderr).toMatch(/^hint: .*(--replace|delete kept)/m);
    }
    await purge('kept');
    expect(tracesOf(home, 'kept')).toEqual([]);
  });
});

describe('a guest', () => {
  it('that never answers is told with its last words, also from a state directory with a long path', async () => {
    const directory = project('silent');
    const deep = path.join(area, 'long'.repeat(30));
    const result = await cli(
      ['clone', directory, '--run', '--no-template', '--image', 'silent', '--json'],
      {
        env: { ...env, CLONEBOX_HOME: deep, TMPDIR: area, CLONEBOX_BOOT_TIMEOUT: '8s' },
      },
    );
    const says = [
      /did not answer within 8 s/,
      /^The last lines of its console:$/m,
      /^\[ .*\d\] \w/m,
    ];
    const hint = /--keep-failed.*console/;
    expectFailure(result, { exit: 8, code: 'guest-failed', says, hint });
    expect(result.json()).toMatchObject({ error: { facts: { phase: 'boot' } } });
    expect(tracesOf(deep, 'silent')).toEqual([]);
    const [runtime = ''] = readdirSync(area).filter((entry) => entry.startsWith('clonebox-'));
    expect(readdirSync(path.join(area, runtime, 'vms'))).toEqual([]);
    expect(processesWith('guest=silent')).toEqual([]);
  });

  it('that is no system at all never answers either', async () => {
    const directory = project('nothing');
    const disk = path.join(area, 'nothing.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '1G']);
    await ok(['image', 'import', disk, '--name', 'nothing'], { env });
    const result = await cli(['clone', directory, '--run', '--no-template', '--image', 'nothing'], {
      env: { ...env, CLONEBOX_BOOT_TIMEOUT: '3s' },
    });
    const says = [/did not answer within 3 s/];
    expectFailure(result, { exit: 8, code: 'guest-failed', says, hint: /--keep-failed/ });
    expect(tracesOf(home, 'nothing')).toEqual([]);
  });

  it('that panics is told at once', async () => {
    const directory = project('panics');
    const result = await cli(['clone', directory, '--run', '--no-template', '--image', 'panics'], {
      env,
    });
    const says = [/kernel panicked/, /about to panic/, /Kernel panic - not syncing.*\s*$/];
    expectFailure(result, { exit: 8, code: 'guest-failed', says, hint: /--keep-failed/ });
    expect(tracesOf(home, 'panics')).toEqual([]);
  });
});

describe('a full disk', () => {
  const mounts = () =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', small]).status === 0;
  const unmount = () => spawnSync('umount', ['-l', small]);
  const noMounts = !mounts();
  if (!noMounts) unmount();
  beforeAll(() => void mounts());
  afterAll(() => void unmount());
  const full = { exit: 6, code: 'host-unable', hint: /[Ff]ree some space/ };

  it.skipIf(noMounts)('while the guest boots is told, and nothing is left', async () => {
    const directory = project('fills');
    const result = await cli(['clone', directory, '--run', '--no-template', '--image', 'fills'], {
      env: { ...env, CLONEBOX_HOME: small },
    });
    expectFailure(result, { ...full, says: [/disk of this host is full/] });
    expect(tracesOf(small, 'fills')).toEqual([]);
  });

  it.skipIf(noMounts)('while it is provisioned is told at once too', async () => {
    const write = 'yes | dd of=/fill bs=1M count=40 iflag=fullblock conv=fsync';
    const directory = project('fills-late', `provision: [{ run: ${write} }]\n`);
    const options = { env: { ...env, CLONEBOX_HOME: small } };
    const result = await clone(directory, [], options);
    expectFailure(result, { ...full, says: [/disk of this host is full/] });
    expect(tracesOf(small, 'fills-late')).toEqual([]);
  });

  it.skipIf(noMounts)('lets a VM be seen and removed, which makes room again', async () => {
    const options = { env: { ...env, CLONEBOX_HOME: small, CLONEBOX_BOOT_TIMEOUT: '3s' } };
    const directory = project('in-the-way');
    const words = [
      'clone',
      directory,
      '--run',
      '--no-template',
      '--image',
      'silent',
      '--keep-failed',
    ];
    expect((await cli(words, options)).exitCode).toBe(8);
    spawnSync('dd', ['if=/dev/zero', `of=${path.join(small, 'vms/in-the-way/more')}`, 'bs=4k']);
    expect((await ok(['list'], options)).stdout).toMatch(/in-the-way.*broken/);
    await ok(['status', 'in-the-way'], options);
    await ok(['delete', 'in-the-way', '--purge', '--yes'], options);
    expect(tracesOf(small, 'in-the-way')).toEqual([]);
  });

  it.skipIf(noMounts)('before anything is made is told, and nothing is left', async () => {
    const filler = path.join(small, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
    execFileSync('truncate', ['-s', '-64K', filler]);
    const directory = project('no-room');
    const result = await cli(['clone', directory, '--run', '--image', 'quick'], {
      env: { ...env, CLONEBOX_HOME: small },
    });
    expectFailure(result, { ...full, says: [/full|[Nn]o space left/] });
    expect(tracesOf(small, 'no-room')).toEqual([]);
  });
});

describe('a project with a name nobody would choose, on a real system', () => {
  const name = `it's "so", $(touch pwned) isn't\nit ü`;
  const servers: Server[] = [];
  const secret = `secret-${Math.random()}`;
  const wanted = `wanted-${Math.random()}`;
  let directory: string;
  let secretPort: number;
  let wantedPort: number;
  let takenPort: number;
  let made: CliResult;
  let vm: Vm;

  const serve = (content: string): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.end(`HTTP/1.0 200 OK\r\n\r\n${content}\n`);
      });
      servers.push(server);
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
  const inGuest = (script: string) =>
    ok(['exec', directory, '--', 'bash', '-c', script], { env, timeout: 120_000 });

  beforeAll(async () => {
    secretPort = await serve(secret);
    wantedPort = await serve(wanted);
    takenPort = await serve('taken');
    const command = `[sh, -c, 'echo these are its last words; exit 3']`;
    directory = project(
      name,
      [
        `ports: ['${takenPort}:80']`,
        `network: { host_ports: [${wantedPort}] }`,
        `run: { web: { command: ${command}, port: 8080, restart: 'no' } }\n`,
      ].join('\n'),
    );
    env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: cache };
    made = await cli(['clone', directory, '--run', '--trust', '--image', 'bootstrap:debian:12'], {
      env,
    });
    const found = (await list()).find((one) => one.name !== 'twice');
    vm = await status(found?.name ?? '');
  });

  afterAll(async () => {
    for (const server of servers) server.close();
  });

  it('whose command crashes is told so with its last words, and can be looked at', async () => {
    const says = [/clonebox-run-web\.service failed/, /these are its last words/];
    expectFailure(made, { exit: 8, code: 'guest-failed', says, hint: /clonebox logs/ });
    expect(vm).toMatchObject({ state: 'running', reason: null });
    const unit = ['logs', vm.name, '--journal', '--unit', 'clonebox-run-web.service'];
    expect((await ok(unit, { env })).stdout).toMatch(/these are its last words/);
  });

  it('is shared live under that very name', async () => {
    expect((await inGuest('pwd')).stdout).toBe(`${directory}\n`);
    writeFileSync(path.join(directory, 'from-host'), 'hello from the host\n');
    expect((await inGuest('cat from-host; echo hello back >from-guest')).stdout).toMatch(/host/);
    expect(readFileSync(path.join(directory, 'from-guest'), 'utf8')).toBe('hello back\n');
    expect(existsSync(path.join(directory, 'pwned'))).toBe(false);
    expect((await status(vm.name)).state).toBe('running');
  });

  it('has the next free port for one that is taken, and shows it', async () => {
    const port = vm.ports.find((one) => one.guest === 80);
    expect(port?.host).toBeGreaterThan(takenPort);
    expect(port?.host).toBeLessThan(takenPort + 50);
    expect((await ok(['port', 'list', vm.name], { env })).stdout).toContain(`:${port?.host}`);
    expect((await ok(['status', vm.name], { env })).stdout).toContain(`127.0.0.1:${port?.host}`);
    expect(made.stderr).toContain(`${takenPort}`);
  });

  it("cannot read what this host's loopback serves, but for the named port", async () => {
    const own = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one?.family === 'IPv4' && !one.internal)
      .map((one) => one?.address);
    const hosts = ['10.0.2.2', '10.0.2.3', '127.0.0.1', 'localhost', '::1', '10.0.2.15', ...own];
    const fetchAll = (port: number) =>
      hosts
        .map(
          (host) =>
            `(timeout 12 bash -c 'exec 3<>/dev/tcp/${host}/${port} && printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3' 2>/dev/null | sed 's/^/${host} /') &`,
        )
        .join(' ');
    const { stdout } = await inGuest(
      `${fetchAll(secretPort)} ${fetchAll(wantedPort)} wait; echo end`,
    );
    expect(stdout).toMatch(/end\n$/);
    expect(stdout).not.toContain(secret);
    const readable = stdout.split('\n').filter((line) => line.endsWith(wanted));
    expect(readable).toContain(`127.0.0.1 ${wanted}`);
    expect(readable.map((line) => line.split(' ')[0]).sort()).toEqual(
      expect.not.arrayContaining(['10.0.2.2', '10.0.2.3', ...own]),
    );
    // The host itself can read it: the listener was there all the time.
    expect(await (await fetch(`http://127.0.0.1:${secretPort}`)).text()).toContain(secret);
    expect(vm).toMatchObject({ network: { hostIsolated: true } });
  });

  it('is gone without a trace', async () => {
    for (const { name } of await list()) await purge(name);
    expect(tracesOf(home, vm.name)).toEqual([]);
    expect(readFileSync(path.join(directory, 'from-host'), 'utf8')).toMatch(/hello/);
    expect(await list()).toEqual([]);
  });
});
