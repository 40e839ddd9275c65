import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, copyExample, freshHome, ok, processesWith } from './support/cli.ts';

interface Status {
  name: string;
  state: string;
  pid: number;
  accel: string;
  accelReason: string;
  ports: { name: string; guest: number; host: number; address: string }[];
  shares: { host: string; guest: string; mode: string; driver: string; mounted: boolean }[];
  memory: { configured: number; private: number };
  disk: { configured: number; allocated: number };
  network: { hostIsolated: boolean };
}

/** The whole life of one VM, in order: each test stands on the one before. */
describe('hello-web, from clone to purge', () => {
  const home = freshHome();
  const env = { CLONEBOX_HOME: home };
  const project = copyExample('hello-web');
  let vm: Status;

  const at = (name: string) => path.join(project, name);
  const exec = (...argv: string[]) => cli(['exec', project, '--', ...argv], { env });
  const inGuest = async (script: string) => {
    const result = await exec('sh', '-c', script);
    expect(result.exitCode, result.stderr).toBe(0);
    return result.stdout.trim();
  };
  const web = () => `http://127.0.0.1:${vm.ports.find((port) => port.name === 'web')?.host}`;
  const get = async (where: string) => (await fetch(`${web()}${where}`)).text();
  const git = (...argv: string[]) =>
    execFileSync('git', ['-C', project, ...argv], { encoding: 'utf8' });

  beforeAll(async () => {
    // A second, read-only share and a package of its own beside the example's.
    mkdirSync(at('data'));
    writeFileSync(at('data/fixed.txt'), 'read me\n');
    const file = readFileSync(at('.clonebox.yaml'), 'utf8').replace(
      'packages: [python3]',
      `packages: [python3, git]\nshares:\n  - { host: . }\n  - { host: data, guest: /srv/data, mode: ro }`,
    );
    writeFileSync(at('.clonebox.yaml'), file);
    git('init', '-q');
    git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'add', '-A');
    git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-qm', 'one');

    const result = await ok(['clone', project, '--user', '--run', '--json'], {
      env,
      timeout: 900_000,
    });
    const made = result.json<{ vm: Status; timings: Record<string, number>; path: string }>();
    vm = made.vm;
    expect(made.path).toBe('warm');
    const { t_agent = 0, t_command = 0, t_ports = 0 } = made.timings;
    expect(t_agent).toBeGreaterThan(0);
    expect(t_command).toBeGreaterThan(t_agent);
    expect(t_ports).toBeGreaterThanOrEqual(t_command);
  });

  it('answers on its leased port with the file it serves', async () => {
    expect(await get('/')).toContain('It runs in a virtual machine.');
    expect(await get('/hello')).toBe('hello from hello-web\n');
  });

  it('is a machine of its own, and the user is the one who called', async () => {
    const [boot, user, kernel] = (
      await inGuest('cat /proc/sys/kernel/random/boot_id; id -un; uname -r')
    ).split('\n');
    expect(boot).not.toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
    expect(user).toBe(execFileSync('id', ['-un'], { encoding: 'utf8' }).trim());
    expect(kernel).toMatch(/amd64$/);
  });

  it('says the truth in status', async () => {
    const status = (await ok(['status', project, '--json'], { env })).json<Status>();
    expect(status).toMatchObject({
      name: 'hello-web',
      state: 'running',
      network: { hostIsolated: true },
    });
    expect(readFileSync(`/proc/${status.pid}/cmdline`, 'utf8')).toContain('guest=hello-web');
    expect(status.accelReason.length).toBeGreaterThan(5);
    expect(status.memory.private).toBeGreaterThan(100 * 1024 * 1024);
    expect(status.disk.allocated).toBeGreaterThan(100 * 1024);
    expect(status.disk.allocated).toBeLessThan(status.disk.configured);
    expect(status.shares).toMatchObject([
      { guest: project, mode: 'rw', mounted: true },
      { guest: '/srv/data', mode: 'ro', mounted: true },
    ]);
    const people = await ok(['status', project], { env });
    for (const line of people.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect((await ok(['list', '--json'], { env })).json()).toMatchObject({
      vms: [{ name: 'hello-web', state: 'running' }],
    });
  });

  it('sees a host edit, and the host sees the guest’s', async () => {
    writeFileSync(at('public/index.html'), '<p>edited on the host</p>\n');
    expect(await get('/')).toContain('edited on the host');
    await inGuest('echo "edited in the guest" > public/index.html');
    expect(readFileSync(at('public/index.html'), 'utf8')).toBe('edited in the guest\n');
    git('checkout', '-q', 'public/index.html');
  });

  it('keeps links, modes, renames and deletions right both ways', async () => {
    symlinkSync('server.py', at('host-link'));
    writeFileSync(at('host-tool'), '#!/bin/sh\necho from the host tool\n');
    chmodSync(at('host-tool'), 0o755);
    expect(await inGuest('readlink host-link; ./host-tool; stat -c %a host-tool')).toBe(
      'server.py\nfrom the host tool\n755',
    );

    await inGuest(
      'ln -s server.py guest-link; echo x > guest-file; chmod 640 guest-file; mkdir guest-dir; touch "guest-dir/ü é"',
    );
    expect(readlinkSync(at('guest-link'))).toBe('server.py');
    expect(lstatSync(at('guest-link')).isSymbolicLink()).toBe(true);
    expect(statSync(at('guest-file')).mode & 0o777).toBe(0o640);
    expect(readdirSync(at('guest-dir'))).toEqual(['ü é']);

    renameSync(at('host-tool'), at('host-tool-2'));
    await inGuest('mv guest-file guest-file-2; test -x host-tool-2; test ! -e host-tool');
    expect(existsSync(at('guest-file-2'))).toBe(true);
    expect(existsSync(at('guest-file'))).toBe(false);

    rmSync(at('host-tool-2'));
    rmSync(at('host-link'));
    await inGuest('test ! -e host-tool-2; rm -r guest-link guest-file-2 guest-dir');
    expect(readdirSync(project).filter((name) => /^(guest|host)-/.test(name))).toEqual([]);
  });

  it('gives git the same answer on both sides', async () => {
    expect(git('status', '--porcelain')).toBe('');
    expect(await inGuest('git -c safe.directory="*" status --porcelain')).toBe('');
    writeFileSync(at('server.py'), '# changed\n', { flag: 'a' });
    expect(git('status', '--porcelain').trim()).toBe('M server.py');
    expect(await inGuest('git -c safe.directory="*" status --porcelain')).toBe('M server.py');
    git('checkout', '-q', 'server.py');
  });

  it('refuses to write through a read-only share, even for root of the guest', async () => {
    expect(await inGuest('cat /srv/data/fixed.txt')).toBe('read me');
    const root = await cli(
      [
        'exec',
        project,
        '--as',
        'root',
        '--',
        'sh',
        '-c',
        'mount -o remount,rw /srv/data; echo bad > /srv/data/fixed.txt',
      ],
      { env },
    );
    expect(root.exitCode).not.toBe(0);
    expect(readFileSync(at('data/fixed.txt'), 'utf8')).toBe('read me\n');
  });

  it('has the packages from the mirror and runs the service', async () => {
    expect(await inGuest('dpkg -s git')).toContain('Status: install ok installed');
    expect(await inGuest('systemctl is-active clonebox-run-web.service')).toBe('active');
  });

  it('shows nobody the environment of a command, here or in the guest', async () => {
    const script = [
      'env --help >/dev/null; sleep 1',
      `cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'nobodys[-]business'`,
      'printf "%s|%s" "$PROBE" "$(cat)"; ls /run/clonebox-env* 2>/dev/null',
    ].join('; ');
    const value = "it's nobodys-business";
    const words = ['exec', project, '-i', '--env', `PROBE=${value}`, '--', 'sh', '-c', script];
    let isDone = false;
    const running = cli(words, { env, input: 'in' }).finally(() => {
      isDone = true;
    });
    const seen = new Set<string>();
    while (!isDone) {
      for (const line of processesWith('nobodys-business'))
        if (!line.includes('main.js exec')) seen.add(line);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await running).stdout).toBe(`0\n${value}|in`);
    expect([...seen]).toEqual([]);
  });

  it('passes argv, status, both streams, environment and time limits through exec', async () => {
    const words = ['a  b', "it's", '$HOME', '"', '*', '', 'ü'];
    const echoed = await exec('printf', '%s|', ...words);
    expect(echoed.stdout).toBe(`${words.join('|')}|`);
    const both = await exec('sh', '-c', 'echo out; echo err >&2; exit 7');
    expect([both.exitCode, both.stdout, both.stderr]).toEqual([7, 'out\n', 'err\n']);
    const variable = await cli(
      ['exec', project, '--env', 'GREETING=hi there', '--', 'sh', '-c', 'echo $GREETING'],
      { env },
    );
    expect(variable.stdout).toBe('hi there\n');
    const input = await cli(['exec', project, '-i', '--', 'wc', '-c'], { env, input: '12345' });
    expect(input.stdout.trim()).toBe('5');
    const late = await cli(
      ['exec', project, '--timeout', '2s', '--', 'sh', '-c', 'sleep 300.25 & sleep 300.25'],
      { env },
    );
    expect(late.exitCode).toBe(11);
    const interrupted = await cli(
      ['exec', project, '--', 'sh', '-c', 'echo going >&2; sleep 301.5'],
      {
        env,
        onStderr: (text, child) => {
          if (text.includes('going') && !child.killed) child.kill('SIGINT');
        },
      },
    );
    expect(interrupted.exitCode).toBe(130);
    await expect
      .poll(() => inGuest('pgrep -cf "sleep 30[01]" || true'), { timeout: 20_000 })
      .toBe('0');
  });

  it('reaches the guest by ssh with a pinned host key, from an editor’s stanza too', async () => {
    expect((await ok(['ssh', project, '--', 'hostname'], { env })).stdout.trim()).toBe('hello-web');
    const { text, host } = (await ok(['ssh-config', project, '--json'], { env })).json<{
      text: string;
      host: string;
    }>();
    const file = path.join(home, 'stanza');
    writeFileSync(file, text);
    const login = spawnSync('ssh', ['-F', file, '-o', 'BatchMode=yes', host, 'hostname'], {
      encoding: 'utf8',
    });
    expect(login.stdout.trim(), login.stderr).toBe('hello-web');
    const known = path.join(home, 'vms/hello-web/known_hosts');
    const pinned = readFileSync(known, 'utf8');
    const other = path.join(home, 'other');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
    writeFileSync(known, `clonebox-hello-web ${readFileSync(`${other}.pub`, 'utf8')}`);
    expect((await cli(['ssh', project, '--', 'hostname'], { env })).exitCode).toBe(255);
    writeFileSync(known, pinned);
  });

  it('copies files in and out', async () => {
    const source = path.join(home, 'note with space.txt');
    writeFileSync(source, 'over there\n');
    await ok(['cp', source, 'hello-web:/tmp/'], { env });
    expect(await inGuest('cat "/tmp/note with space.txt"')).toBe('over there');
    await inGuest('mkdir -p /tmp/out/sub; echo back > /tmp/out/sub/f');
    await ok(['cp', 'hello-web:/tmp/out', home], { env });
    expect(readFileSync(path.join(home, 'out/sub/f'), 'utf8')).toBe('back\n');
  });

  it('adds a port while it runs and takes it away again', async () => {
    const server =
      'python3 -m http.server 9000 --bind 127.0.0.1 --directory public >/dev/null 2>&1 &';
    await inGuest(`setsid sh -c '${server}'`);
    const added = (await ok(['port', 'add', '9000', project, '--json'], { env })).json<{
      host: number;
    }>();
    await expect
      .poll(
        async () => (await fetch(`http://127.0.0.1:${added.host}/`).catch(() => undefined))?.status,
        { timeout: 30_000 },
      )
      .toBe(200);
    expect((await ok(['port', 'list', project], { env })).stdout).toContain(String(added.host));
    await ok(['port', 'remove', '9000', project], { env });
    await expect(fetch(`http://127.0.0.1:${added.host}/`)).rejects.toThrow();
  });

  it('shows the console and the journal', async () => {
    expect((await ok(['logs', project], { env })).stdout).toMatch(
      /Debian GNU\/Linux 12|login:|systemd/,
    );
    expect(
      (await ok(['logs', project, '--journal', '--unit', 'clonebox-run-web.service'], { env }))
        .stdout,
    ).toContain('listening on 8080');
  });

  it('shows what has drifted, and ends with 9 when something has', async () => {
    expect((await ok(['diff', project], { env })).stdout).toMatch(/has not drifted/);
    await ok(['exec', project, '--as', 'root', '--', 'systemctl', 'stop', 'clonebox-run-web'], {
      env,
    });
    const drifted = await cli(['diff', project, '--json'], { env });
    await ok(['exec', project, '--as', 'root', '--', 'systemctl', 'start', 'clonebox-run-web'], {
      env,
    });
    expect(drifted.exitCode).toBe(9);
    const { drift } = drifted.json<{ drift: { area: string; name: string; guest: string }[] }>();
    expect(drift).toMatchObject([
      { area: 'services', name: 'run.web', guest: 'enabled, inactive' },
      { area: 'ports', name: '8080', guest: 'closed' },
    ]);
  });

  it('does nothing when asked for what is so already', async () => {
    const before = (await ok(['status', project, '--json'], { env })).json<Status>().pid;
    expect((await ok(['start', project, '--json'], { env })).json()).toMatchObject({
      outcome: 'unchanged',
    });
    expect((await ok(['clone', project, '--run', '--json'], { env })).json()).toMatchObject({
      outcome: 'unchanged',
    });
    expect((await ok(['status', project, '--json'], { env })).json<Status>().pid).toBe(before);
  });

  it('says what changed in the configuration, and does not act on it by itself', async () => {
    const text = readFileSync(at('.clonebox.yaml'), 'utf8');
    writeFileSync(at('.clonebox.yaml'), text.replace('cpus: 2', 'cpus: 1'));
    const changed = await cli(['clone', project, '--run'], { env });
    expect(changed.exitCode).toBe(5);
    expect(changed.stderr).toMatch(/vm\.cpus/);
    expect(changed.stderr).toMatch(/--apply/);
    expect((await ok(['clone', project, '--apply', '--json'], { env })).json()).toMatchObject({
      outcome: 'applied',
    });
  });

  it('has everything still there after the guest rebooted by itself', async () => {
    const boot = await inGuest('cat /proc/sys/kernel/random/boot_id');
    await cli(
      ['exec', project, '--as', 'root', '--', 'sh', '-c', '(sleep 1; reboot) >/dev/null 2>&1 &'],
      { env },
    );
    await expect
      .poll(async () => (await exec('cat', '/proc/sys/kernel/random/boot_id')).stdout.trim(), {
        timeout: 120_000,
        interval: 2000,
      })
      .toSatisfy((id: string) => id !== '' && id !== boot);
    await expect
      .poll(() => get('/').catch(() => ''), { timeout: 120_000, interval: 500 })
      .toContain('It runs in a virtual machine.');
    expect(await inGuest('cat /srv/data/fixed.txt; ls server.py')).toBe('read me\nserver.py');
  });

  it('stops, starts with what was applied, and is the same machine', async () => {
    expect((await ok(['stop', project, '--json'], { env })).json()).toMatchObject({
      outcome: 'graceful',
    });
    expect((await ok(['stop', project, '--json'], { env })).json()).toMatchObject({
      outcome: 'was-stopped',
    });
    expect(processesWith(`${home}/`)).toEqual([]);
    expect((await cli(['exec', project, '--', 'true'], { env })).exitCode).toBe(5);
    vm = (await ok(['start', project, '--json'], { env })).json<{ vm: Status }>().vm;
    expect(await inGuest('nproc; hostname')).toBe('1\nhello-web');
    expect(await get('/')).toContain('It runs in a virtual machine.');
  });

  it('is gone after delete --purge, and the project is untouched', async () => {
    expect((await cli(['delete', project], { env })).exitCode).toBe(2);
    expect(
      (await ok(['delete', project, '--purge', '--yes', '--json'], { env })).json(),
    ).toMatchObject({ outcome: 'purged' });
    expect(processesWith(`${home}/`)).toEqual([]);
    const left = spawnSync(
      'grep',
      ['-rl', 'hello-web', home, '--exclude-dir=log', '--exclude-dir=audit'],
      { encoding: 'utf8' },
    );
    expect(
      left.stdout.split('\n').filter((line) => !/\/(stanza|other)/.test(line) && line !== ''),
    ).toEqual([]);
    const named = spawnSync('find', [home, '-name', '*hello-web*'], { encoding: 'utf8' });
    expect(named.stdout).toBe('');
    expect(git('status', '--porcelain').trim()).toBe('M .clonebox.yaml');
    expect((await cli(['status', 'hello-web'], { env })).exitCode).toBe(4);
  });
});
