import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CliOptions, cli, freshHome, ok, processesWith, scratch } from './support/cli.ts';
import {
  buildings,
  configure,
  digestsBelow,
  type Made,
  onlyTemplate,
  ownCache,
  type TemplateLine,
} from './support/templates.ts';
import { expectFailure, tracesOf } from './support/traces.ts';

// One template with real machines: what dies with a CloneBox that is killed, what its clones share, and what not.

const home = freshHome();
const area = scratch();
let own: string;
let env: { CLONEBOX_HOME: string; CLONEBOX_CACHE: string };

/** A unit that seeds itself once, as it starts, and one that takes a machine whose memory will be kept back by 30 days. */
const provision = `provision:
  - file: /usr/local/bin/numbers
    mode: '0755'
    content: |
      #!/usr/bin/perl
      open my $random, '<', '/dev/urandom' or die;
      read $random, my $seed, 4;
      srand unpack 'L', $seed;
      for (;;) {
        open my $out, '>', '/run/numbers' or die;
        print $out int(rand(2 ** 48)), "\\n";
        close $out;
        select undef, undef, undef, 0.2;
      }
  - file: /etc/systemd/system/numbers.service
    content: |
      [Service]
      ExecStartPre=/bin/sh -c 'rm -f /run/numbers; mkfifo /run/numbers'
      ExecStart=/usr/bin/perl /usr/local/bin/numbers
      [Install]
      WantedBy=multi-user.target
  - file: /usr/local/bin/long-ago
    mode: '0755'
    content: |
      #!/bin/sh
      date -s '30 days ago'
      date +%s >/var/lib/long-ago
      timeout 5 cat /run/numbers >/var/lib/drawn
  - file: /etc/systemd/system/long-ago.service
    content: |
      [Unit]
      ConditionKernelCommandLine=clonebox.keeping
      After=numbers.service
      [Service]
      Type=oneshot
      ExecStart=/usr/local/bin/long-ago
      [Install]
      WantedBy=multi-user.target
  # As units of packages do now and then: no clone is the worse for it.
  - file: /etc/systemd/system/broken.service
    content: |
      [Service]
      ExecStart=/bin/false
      [Install]
      WantedBy=multi-user.target
  - run: systemctl enable --now numbers long-ago
  - run: systemctl enable broken
`;

const project = (name: string, vm = 'memory: 768M') =>
  configure(area, name, { vm, more: provision });

async function clone(name: string, vm?: string): Promise<Made> {
  const line = ['clone', project(name, vm), '--run', '--no-wait', '--json'];
  return (await ok(line, { env })).json<Made & Record<string, unknown>>();
}

const inside = async (name: string, script: string) =>
  (await ok(['exec', name, '--as', 'root', '--', 'sh', '-c', script], { env })).stdout.trim();

const purge = (name: string) => ok(['delete', name, '--purge', '--yes'], { env });

/** Kills the process, and it alone, once it says this. */
const killedAt = (text: RegExp): CliOptions => ({
  env,
  onStderr: (told, child) => {
    if (text.test(told)) child.kill('SIGKILL');
  },
});

/** What is written down of the memory that is kept of a template. */
function readManifest({ key, warm }: TemplateLine): { baseline: Record<string, string> } {
  const directory = path.join(own, 'templates', key, 'warm', warm[0]?.key ?? '');
  return JSON.parse(readFileSync(path.join(directory, 'manifest.json'), 'utf8'));
}

beforeAll(async () => {
  own = await ownCache();
  env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: own };
});

describe('a CloneBox that is killed', () => {
  const build = (options: CliOptions = { env }) =>
    cli(['template', 'build', project('one')], options);
  /** What the next command does, whatever it is about. */
  const settle = () => ok(['recover', '--auto'], { env });

  it('while it makes a template leaves nothing that the next command does not take away', async () => {
    expect((await build(killedAt(/Making the user/))).exitCode).toBe(137);
    expect(processesWith(`${home}/`)).not.toEqual([]);
    expect(buildings(own)).toHaveLength(1);
    await settle();
    expect(tracesOf(home, 'one')).toEqual([]);
    expect(readdirSync(path.join(own, 'templates'))).toEqual([]);
  });

  it('while it keeps the memory leaves the template as it was', async () => {
    expect((await build(killedAt(/Keeping its memory/))).exitCode).toBe(137);
    expect(processesWith(`${home}/`)).not.toEqual([]);
    expect(buildings(own)).toHaveLength(1);
    await settle();
    expect(tracesOf(home, 'one')).toEqual([]);
    expect(buildings(own)).toEqual([]);
    expect((await onlyTemplate(env)).warm).toEqual([]);
  });

  it('while a clone goes on from the memory leaves no VM, and another can be made', async () => {
    const { key } = await onlyTemplate(env);
    const disk = () => statSync(path.join(own, 'templates', key, 'disk.qcow2')).ino;
    const before = disk();
    const line = ['clone', project('one'), '--run'];
    const killed = await cli(line, killedAt(/Making it one/));
    expect(killed.exitCode, killed.stderr).toBe(137);
    expect(killed.stderr).toContain("Going on from the template's memory");
    expect(readdirSync(path.join(home, 'vms'))).toEqual(['one']);
    await settle();
    expect(tracesOf(home, 'one')).toEqual([]);
    expect((await clone('one', 'memory: 768M, memory_mode: own')).path).toBe('warm');
    expect(disk()).toBe(before);
  });
});

describe('two clones of one template', () => {
  /** Everything by which one could be taken for the other, and how a program sees it. */
  const identity = {
    'machine id': 'cat /etc/machine-id',
    'boot id': 'cat /proc/sys/kernel/random/boot_id',
    'boot id in the journal': 'journalctl -b --no-pager -n 1 -o export | grep -a ^_BOOT_ID=',
    hostname: 'hostname',
    'hostname in files': 'cat /etc/hostname; grep ^127.0.1.1 /etc/hosts',
    'login key': 'cut -d " " -f 2 /root/.ssh/authorized_keys',
    'host key': 'cut -d " " -f 2 /etc/ssh/ssh_host_ed25519_key.pub',
    'bytes of urandom': 'head -c 16 /dev/urandom | od -An -tx1',
    uuid: 'cat /proc/sys/kernel/random/uuid',
    'number of the unit': 'timeout 30 cat /run/numbers',
  };

  it('are reached by the first connection, early as it is', async () => {
    const line = ['clone', project('two', 'memory: 768M, memory_mode: shared'), '--run'];
    const { stderr } = await ok([...line, '--no-wait', '--verbose'], { env });
    const events = stderr.split('\n').filter((text) => text.startsWith('{'));
    const all = events.map((text) => JSON.parse(text) as { event: string; argv?: string[] });
    // sshd is asked for its key within the first second, and anew when nobody has answered.
    const asked = all.filter(({ event, argv }) => {
      return event === 'process.completed' && path.basename(argv?.[0] ?? '') === 'ssh';
    });
    expect(asked).toHaveLength(1);
  });

  it('differ in every item of their identity, in random numbers, and in those of a unit that seeds itself', async () => {
    for (const [what, how] of Object.entries(identity)) {
      const [one, two] = [await inside('one', how), await inside('two', how)];
      expect(one, what).not.toBe('');
      expect(two, what).not.toBe('');
      expect(two, what).not.toBe(one);
    }
    // The unit had drawn numbers already when the memory was kept.
    const drawn = [
      await inside('one', 'cat /var/lib/drawn'),
      await inside('two', 'cat /var/lib/drawn'),
    ];
    expect(drawn[0]).toMatch(/^\d+$/);
    expect(drawn[1]).toBe(drawn[0]);
  });

  it.each(['one', 'two'])('serve the host key that is their own: %s', async (name) => {
    const { ports } = (await ok(['status', name, '--json'], { env })).json<Made['vm']>();
    const port = ports.find((one) => one.name === 'ssh')?.host;
    const known = path.join(area, `${name}.known`);
    const settings = [`UserKnownHostsFile=${known}`, 'GlobalKnownHostsFile=/dev/null'];
    const more = ['StrictHostKeyChecking=accept-new', 'HashKnownHosts=no', 'BatchMode=yes'];
    const options = [...settings, ...more, 'HostKeyAlgorithms=ssh-ed25519'];
    const argv = ['-F', 'none', ...options.flatMap((one) => ['-o', one]), '-p', String(port)];
    // Nobody is logged in: it has no key that this VM would take.
    spawnSync('ssh', [...argv, 'nobody@127.0.0.1', 'true'], { timeout: 120_000 });
    const [, , served] = readFileSync(known, 'utf8').trim().split(' ');
    expect(served).toBe(await inside(name, identity['host key']));
  });

  it('have nothing of their template in their journals', async () => {
    const { baseline } = readManifest(await onlyTemplate(env));
    expect(baseline['machine-id']).toMatch(/^[0-9a-f]{32}$/);
    for (const name of ['one', 'two']) {
      const lines = await inside(name, 'journalctl --no-pager -o export');
      const all = (field: string) =>
        new Set([...lines.matchAll(new RegExp(`^${field}=(.*)$`, 'gm'))].map(([, value]) => value));
      expect(all('_MACHINE_ID')).toEqual(new Set([await inside(name, identity['machine id'])]));
      expect(all('_BOOT_ID').size).toBe(1);
      expect(all('_HOSTNAME')).toEqual(new Set([name]));
      // What has run in the template alone.
      expect(lines).not.toContain('long-ago');
      const left = await inside(
        name,
        `grep -rlF ${baseline['machine-id']} /etc /run/log /var || true`,
      );
      expect(left).toBe('');
    }
  });

  it('load programs at random addresses, those of the kept memory and new ones', async () => {
    const firstPlace = (process: string) =>
      inside('one', `head -n 1 "/proc/${process}/maps" | cut -d - -f 1`);
    // Where the kernel puts a program when nothing is random (its ELF_ET_DYN_BASE).
    for (const process of ['1', '$(pidof qemu-ga)', 'self'])
      expect(await firstPlace(process), process).toMatch(/^(?!5555)[0-9a-f]{12}$/);
    expect(await firstPlace('self')).not.toBe(await firstPlace('self'));
    expect(await inside('one', 'cat /proc/sys/kernel/randomize_va_space')).toBe('2');
    expect(await inside('one', 'cat /proc/cmdline')).not.toContain('norandmaps');
  });

  it('have the time of now, though the template was kept 30 days ago', async () => {
    const day = 24 * 3600 * 1000;
    for (const name of ['one', 'two']) {
      const asked = Date.now();
      const said = Number(await inside(name, 'date +%s%3N'));
      expect(said).toBeGreaterThan(asked - 1000);
      expect(said).toBeLessThan(Date.now() + 1000);
      const kept = Number(await inside(name, 'cat /var/lib/long-ago')) * 1000;
      expect(asked - kept).toBeGreaterThan(29 * day);
    }
  });

  it.each([
    ['one', 'own'],
    ['two', 'shared'],
  ])('do not change it: %s writes 500 MB, its memory is %s', async (name, mode) => {
    const { key, warm } = await onlyTemplate(env);
    const digests = () => digestsBelow(path.join(own, 'templates', key));
    const before = digests();
    const memory = ['disk.qcow2', 'ram', 'state'].map((file) => `warm/${warm[0]?.key}/${file}`);
    expect(Object.keys(before)).toEqual(expect.arrayContaining(['disk.qcow2', ...memory]));
    const status = (await ok(['status', name, '--json'], { env })).json<Made['vm']>();
    expect(status.memory.mode).toBe(mode);
    await inside(
      name,
      `yes ${name} | head -c 260M >/dev/shm/much; yes ${name} | head -c 240M >/much; sync`,
    );
    expect(await inside(name, 'stat -c %s /dev/shm/much /much')).toBe('272629760\n251658240');
    expect(digests()).toEqual(before);
    await inside(name, 'rm /dev/shm/much /much');
  });
});

const many = Number(process.env.CLONEBOX_TEST_CLONES ?? 5);

describe('clones that are asked for at once', () => {
  it(`${many} are all alive, all different, each with its own share`, async () => {
    const names = Array.from({ length: many }, (_, index) => `many-${index}`);
    for (const name of names) writeFileSync(path.join(project(name), 'mine'), name);
    const made = await Promise.all(names.map((name) => clone(name)));
    expect(made.map((one) => one.path)).toEqual(names.map(() => 'warm'));
    const said = await Promise.all(
      names.map((name) =>
        inside(name, `cat ${area}/${name}/mine; echo; hostname; cat /etc/machine-id`),
      ),
    );
    expect(said.map((text) => text.split('\n').slice(0, 2))).toEqual(
      names.map((name) => [name, name]),
    );
    expect(new Set(said.map((text) => text.split('\n')[2])).size).toBe(many);
    for (const name of names) await purge(name);
  });
});

describe('a template that VMs stand on', () => {
  it('is not removed while one is there, stopped though it is', async () => {
    await purge('one');
    await ok(['stop', 'two'], { env });
    const { key } = await onlyTemplate(env);
    const refused = await cli(['template', 'prune', key.slice(0, 12)], { env });
    const says = [new RegExp(`^template ${key.slice(0, 12)} is under two$`, 'm')];
    expectFailure(refused, {
      exit: 5,
      code: 'conflict',
      says,
      hint: /clonebox delete two --purge/,
    });
    await ok(['template', 'prune', '--all'], { env });
    expect(await onlyTemplate(env)).toMatchObject({
      key,
      usedBy: ['two'],
      warm: [{ usedBy: ['two'] }],
    });
    expect((await ok(['start', 'two'], { env })).exitCode).toBe(0);
    expect(await inside('two', 'hostname')).toBe('two');
  });

  it('nor while one is in the trash, and can be removed after that', async () => {
    await ok(['delete', 'two', '--yes'], { env });
    const { key } = await onlyTemplate(env);
    expect((await cli(['template', 'prune', key], { env })).exitCode).toBe(5);
    await ok(['recover', 'two'], { env });
    await purge('two');
    await ok(['template', 'prune', key], { env });
    expect(readdirSync(path.join(own, 'templates'))).toEqual([]);
  });
});
