import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { verify } from 'unixcrypt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cache, cli, freshHome, main, ok, scratch } from './support/cli.ts';
import { type Answer, onTerminal } from './support/pseudo-terminal.ts';

// Who gets in, tried with the system's ssh on real guests. Each part is the life of one VM, in order.

const home = freshHome();
const area = scratch();
const env = { CLONEBOX_HOME: home };
const user = { name: 'dev', id: 1234 };
/** The cryptography of a login is slow without hardware virtualisation. */
const patience = 60_000;

interface Made {
  vm: { state: string; ports: { name: string; host: number }[] };
  outcome: string;
}

function makeProject(name: string, auth: string): string {
  const project = path.join(area, name);
  mkdirSync(project);
  const file = `version: '2'
vm:
  name: ${name}
  image: bootstrap:debian:12
  cpus: 2
  memory: 1G
  user: { name: ${user.name}, uid: ${user.id}, gid: ${user.id}, shell: /bin/bash }
  auth: ${auth}
post_commands: ['sudo -n id -u > by-sudo']
`;
  writeFileSync(path.join(project, '.clonebox.yaml'), file);
  chownSync(project, user.id, user.id);
  return project;
}

/** Answers ssh's question for a password, and notes that it was asked. */
const askpass = path.join(area, 'askpass');
const asked = path.join(area, 'asked');
writeFileSync(askpass, `#!/bin/sh\necho "$1" >> ${asked}\nprintf '%s\\n' "$TYPED"\n`);
chmodSync(askpass, 0o755);

/** ssh's own words for a VM with its pinned host key, and none of anybody's keys. */
function sshTo(name: string, port: number, as = user.name): string[] {
  const options = [
    ...[`HostKeyAlias=clonebox-${name}`, `UserKnownHostsFile=${home}/vms/${name}/known_hosts`],
    ...['StrictHostKeyChecking=yes', 'IdentitiesOnly=yes', 'IdentityAgent=none'],
    ...['NumberOfPasswordPrompts=1', 'LogLevel=INFO', `ConnectTimeout=${patience / 1000}`],
  ];
  const words = options.flatMap((option) => ['-o', option]);
  return ['ssh', '-F', 'none', ...words, '-p', String(port), `${as}@127.0.0.1`];
}

const byPassword = [
  ...['-o', 'PubkeyAuthentication=no'],
  ...['-o', 'PreferredAuthentications=password,keyboard-interactive'],
];

/** One login by a password, without a terminal. */
function tryPassword(target: readonly string[], typed: string) {
  writeFileSync(asked, '');
  const [program = '', ...words] = [...target, ...byPassword, 'id -un'];
  const result = spawnSync(program, words, {
    env: { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', TYPED: typed },
    ...{ encoding: 'utf8', timeout: patience, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  return { ...result, asked: readFileSync(asked, 'utf8') };
}

const sitAt = (argv: readonly string[], answers: readonly Answer[] = []) =>
  onTerminal(argv, { answers, env: { ...env, CLONEBOX_CACHE: cache, NO_COLOR: '1' } });

/** Files below these places that hold a text. */
function filesWith(text: string, places: readonly string[]): string[] {
  const found = spawnSync('grep', ['-rlaF', '--', text, ...places], { encoding: 'utf8' });
  // 1: in none. 2 would be a place that could not be read.
  expect(found.status, found.stderr).toBeLessThan(2);
  return found.stdout.split('\n').filter((line) => line !== '');
}

const inGuest = async (name: string, script: string, as: string[] = []) =>
  (await ok(['exec', name, ...as, '--', 'sh', '-c', script], { env })).stdout.trim();
const asRoot = ['--as', 'root'];
const shadowOf = async (name: string) =>
  (await inGuest(name, `grep '^${user.name}:' /etc/shadow`, asRoot)).split(':');

const isRoot = process.getuid?.() === 0;
const only = isRoot ? '' : ' (skipped: the guest has another user than root’s own)';

describe.skipIf(!isRoot)(`a VM that keys let in${only}`, () => {
  const project = makeProject('keys', '{ ssh_keys: [./team.pub, "github:octo"] }');
  const key = path.join(area, 'team');
  const theirs = path.join(area, 'octo');
  const requests: (string | undefined)[] = [];
  const github = createServer((request, response) => {
    requests.push(request.url);
    response.end(readFileSync(`${theirs}.pub`, 'utf8').split(' ').slice(0, 2).join(' '));
  });
  let withGitHub: Record<string, string>;
  let port: number;
  const typed = 'Battery: staple é7';

  beforeAll(async () => {
    for (const one of [key, theirs])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', one]);
    writeFileSync(path.join(project, 'team.pub'), readFileSync(`${key}.pub`));
    await new Promise<void>((done) => github.listen(0, '127.0.0.1', done));
    const address = `http://127.0.0.1:${(github.address() as AddressInfo).port}`;
    withGitHub = { ...env, CLONEBOX_GITHUB_URL: address };
  });
  afterAll(async () => {
    github.close();
    await cli(['delete', 'keys', '--purge', '--yes'], { env });
  });

  it('is not made before somebody trusts who else may log in', async () => {
    const refused = await cli(['clone', project, '--json'], { env: withGitHub });
    expect(refused.exitCode).toBe(10);
    expect(refused.json()).toMatchObject({
      error: { facts: { reach: [{ what: expect.stringContaining('GitHub'), value: 'octo' }] } },
    });
    expect(requests).toEqual([]);
  });

  it('is not made with a private key in the place of a public one', async () => {
    writeFileSync(path.join(project, 'team.pub'), readFileSync(key));
    const refused = await cli(['clone', project, '--trust'], { env: withGitHub });
    expect(refused.exitCode, refused.stderr).toBe(10);
    expect(refused.stderr).toContain('team.pub holds a private key');
    expect(existsSync(path.join(home, 'vms/keys'))).toBe(false);
    writeFileSync(path.join(project, 'team.pub'), readFileSync(`${key}.pub`));
  });

  it('has the keys that were found, and asks for them once', async () => {
    const made = await ok(['clone', project, '--run', '--trust', '--json'], { env: withGitHub });
    const { vm } = made.json<Made>();
    port = vm.ports.find(({ name }) => name === 'ssh')?.host ?? 0;
    const record = JSON.parse(readFileSync(path.join(home, 'vms/keys/record.json'), 'utf8'));
    expect(record.plan.auth.keys).toEqual([path.join(project, 'team.pub'), 'github:octo']);
    expect(record.plan.authorizedKeys).toHaveLength(2);
    expect(requests).toEqual(['/octo.keys']);

    const again = await ok(['clone', project, '--json'], { env: withGitHub });
    expect(again.json<Made>().outcome).toBe('unchanged');
    expect(requests).toHaveLength(1);
  });

  it('lets in its own key and the others, each without a word', async () => {
    const own = await ok(['exec', 'keys', '-i', '--', 'sh', '-c', 'id -un; cat'], {
      ...{ env, input: 'passed on' },
    });
    expect(own.stdout).toBe(`${user.name}\npassed on`);
    for (const one of [key, theirs]) {
      const [program = '', ...words] = [...sshTo('keys', port), '-i', one, '-T', 'id -un'];
      expect(execFileSync(program, words, { encoding: 'utf8', timeout: patience })).toBe('dev\n');
    }
  });

  it('has an account without a password, and sshd asks for none', async () => {
    expect((await shadowOf('keys')).slice(0, 2)).toEqual([user.name, '*']);
    for (const login of [user.name, 'root']) {
      const refused = tryPassword(sshTo('keys', port, login), 'anything');
      expect(refused.stderr).toContain('Permission denied (publickey).');
      expect({ status: refused.status, asked: refused.asked }).toEqual({ status: 255, asked: '' });
    }
  });

  it('is given a password by standard input, for the console and not for ssh', async () => {
    const argv = ['set-password', 'keys', '--stdin', '--json'];
    const set = await ok(argv, { env, input: `${typed}\n` });
    expect(set.json()).toEqual({ vm: 'keys', user: user.name, outcome: 'set', expired: false });
    const [, hash = ''] = await shadowOf('keys');
    expect(verify(typed, hash)).toBe(true);
    expect(tryPassword(sshTo('keys', port), typed).stderr).toContain('denied (publickey).');

    const console = await sitAt(
      [process.execPath, main, 'console', 'keys'],
      [
        [/Ctrl-/, ''],
        [/login: /, user.name],
        [/Password: /, typed],
        [/\$ /, 'id -un; echo "$((6 * 7))-"'],
        [/42-[\s\S]*\$ /, 'exit'],
        [/login: /, '\u001d'],
      ],
    );
    expect(console.screen).toMatch(/dev\s+42-/);
    expect(console.screen).not.toContain(typed);
  });

  it('is given another one by whoever sits at the terminal, which is not shown', async () => {
    const argv = [process.execPath, main, 'set-password', 'keys', '--expire'];
    const set = await sitAt(argv, [
      [/New password/, ''],
      [/is empty/, 'Correct-horse-7'],
      [/Once more/, 'Correct-horse-7'],
    ]);
    expect(set.exitCode).toBe(0);
    expect(set.screen).not.toMatch(/Correct|[•▪*]{3}/);
    const [, hash = '', changed] = await shadowOf('keys');
    expect(verify('Correct-horse-7', hash)).toBe(true);
    expect(changed).toBe('0');
    const differ = await sitAt(argv, [
      [/New password/, 'Correct-horse-8'],
      [/Once more/, 'Correct-horse-9'],
    ]);
    expect(differ.exitCode).toBe(2);
    expect(await shadowOf('keys')).toContain(hash);
  });

  it('lets the keys in whose user has to change a password', async () => {
    const own = await ok(['exec', 'keys', '-i', '--', 'sudo', '-n', 'id', '-un'], {
      ...{ env, input: '' },
    });
    expect(own.stdout).toBe('root\n');
  });

  it('has no password any more once that is locked', async () => {
    await ok(['set-password', 'keys', '--lock'], { env });
    const [, hash, changed] = await shadowOf('keys');
    expect(hash).toBe('*');
    expect(changed).not.toBe('0');
  });

  it('keeps no password anywhere, and says in the audit log that there was one', async () => {
    for (const text of [typed, 'Correct-horse', JSON.stringify(typed).slice(1, -1)])
      expect(filesWith(text, [home])).toEqual([]);
    const { events } = (await ok(['audit', 'list', '--json'], { env })).json<{
      events: { event: string; outcome: string; target: object; details: object }[];
    }>();
    const told = events.filter(({ event }) => event.startsWith('auth.password.')).reverse();
    const target = { type: 'vm', name: 'keys' };
    expect(told.map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
      'auth.password.changed success',
      'auth.password.changed success',
      'auth.password.changed failure',
      'auth.password.removed success',
    ]);
    expect(told[0]).toMatchObject({ target, details: { user: user.name, expire: false } });
  });

  it('takes no password when it does not run, nor a wrong one', async () => {
    await ok(['stop', 'keys', '--force'], { env });
    for (const [argv, input, code] of [
      [['keys', '--stdin'], 'x\n', 5],
      [['keys', '--lock'], '', 5],
      [['keys', '--stdin'], 'two\nlines\n', 5],
      [['no-such-vm', '--stdin'], 'x\n', 4],
      [['keys'], 'x\n', 2],
      [['keys', '--lock', '--expire'], '', 2],
      [['keys', 'x\n'], '', 2],
    ] as const) {
      const failed = await cli(['set-password', ...argv], { env, input });
      expect(failed.exitCode, `${argv} ${failed.stderr}`).toBe(code);
      if (code === 5) expect(failed.stderr).toContain('clonebox start keys');
    }
  });
});

describe.skipIf(!isRoot)(`a VM with a one-time password${only}`, () => {
  const project = makeProject('once', '{ method: one_time_password }');
  const document = path.join(area, 'once.json');
  const seenCommandLines = new Set<string>();
  const next = 'Correct-horse-7';
  let screen: string;
  let password: string;
  let port: number;

  afterAll(async () => {
    await cli(['delete', 'once', '--purge', '--yes'], { env });
  });

  it('is not begun where nobody would see the password', async () => {
    const told = /^(audit|log|journal|locks)(\/|$)/;
    const made = () =>
      (readdirSync(home, { recursive: true }) as string[])
        .filter((name) => !told.test(name))
        .sort();
    const before = made();
    for (const argv of [
      ['clone', project, '--run'],
      ['create', project],
      ['start', project],
    ]) {
      const refused = await cli(argv, { env });
      expect(refused.exitCode, refused.stderr).toBe(2);
      expect(refused.stderr).toMatch(/one_time_password, and there is no terminal/);
    }
    expect(made()).toEqual(before);
  });

  it('shows it once, on the terminal and not in the document', async () => {
    const watch = setInterval(() => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          seenCommandLines.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
        } catch {
          // It has ended.
        }
      }
    }, 50);
    const argv = [process.execPath, main, 'clone', project, '--run', '--json'];
    const made = await onTerminal(argv, {
      ...{ stdout: document, timeout: 600_000 },
      env: { ...env, CLONEBOX_CACHE: cache, NO_COLOR: '1' },
    });
    clearInterval(watch);
    screen = made.screen;
    expect(made.exitCode, screen).toBe(0);
    password = /One-time password of dev in once:\s+(\S+)/.exec(screen)?.[1] ?? '';
    expect(password).toMatch(/^[a-zA-Z2-9]{16}$/);
    expect(screen.split(password)).toHaveLength(2);
    const { vm } = JSON.parse(readFileSync(document, 'utf8')) as Made;
    port = vm.ports.find(({ name }) => name === 'ssh')?.host ?? 0;
    expect(screen).toContain(`ssh -p ${port} dev@127.0.0.1`);
  });

  it('keeps it nowhere', async () => {
    const runtime = process.env.XDG_RUNTIME_DIR;
    const places = [home, cache, area, ...(runtime && existsSync(runtime) ? [runtime] : [])];
    expect(filesWith(password, places)).toEqual([]);
    // Also not as the log, the journal or a QMP message would have it.
    expect(filesWith(Buffer.from(password).toString('base64').slice(0, 20), [home])).toEqual([]);
    expect(seenCommandLines.size).toBeGreaterThan(10);
    for (const line of seenCommandLines) expect(line).not.toContain(password);
    const [, hash = '', changed] = await shadowOf('once');
    expect(verify(password, hash)).toBe(true);
    expect(changed).toBe('0');
    for (const line of seenCommandLines) expect(line).not.toContain(hash);
  });

  it('holds nobody up who comes another way', async () => {
    expect(readFileSync(path.join(project, 'by-sudo'), 'utf8')).toBe('0\n');
    const own = await ok(['exec', 'once', '-i', '--', 'sudo', '-n', 'id', '-un'], {
      ...{ env, input: '' },
    });
    expect(own.stdout).toBe('root\n');
    const shell = await ok(['ssh', 'once', '--', 'id -un'], { env });
    expect(shell.stdout.trim()).toBe(user.name);

    // It is this one word that does it.
    const pam = '/etc/pam.d/common-account';
    await inGuest('once', `cp ${pam} /root/pam; sed -i s/no_pass_expiry// ${pam}`, asRoot);
    const held = await cli(['exec', 'once', '-i', '--', 'id'], { env, input: '' });
    expect(held.stderr).toContain('Password change required but no TTY available');
    await inGuest('once', `cat /root/pam > ${pam}`, asRoot);
  });

  it('lets in by passwords its user alone, who can do nothing before the change', () => {
    const root = tryPassword(sshTo('once', port, 'root'), password);
    expect(root.stderr).toContain('Permission denied (publickey).');
    const wrong = tryPassword(sshTo('once', port), 'wrong');
    expect(wrong.stderr).toContain('Permission denied (publickey,password).');
    const early = tryPassword(sshTo('once', port), password);
    expect(early.stderr).toContain('Password change required but no TTY available');
    expect({ status: early.status, stdout: early.stdout }).toEqual({ status: 1, stdout: '' });
    expect(early.asked).toContain('password: ');
  });

  it('wants another one at the first login, and that is the password from then on', async () => {
    const target = [...sshTo('once', port), ...byPassword];
    const first = await sitAt(target, [
      [/password: $/, password],
      [/Current password: $/, password],
      [/New password: $/, next],
      [/Retype new password: $/, next],
    ]);
    expect(first.screen).toContain('password updated successfully');
    expect(tryPassword(sshTo('once', port), password).stderr).toContain('Permission denied');
    const then = tryPassword(sshTo('once', port), next);
    expect(then.stdout, then.stderr).toBe('dev\n');
  });

  it('is unchanged for a second clone, which needs no terminal', async () => {
    const again = await ok(['clone', project, '--json'], { env });
    expect(again.json<Made>().outcome).toBe('unchanged');
    const { events } = (await ok(['audit', 'list', '--json'], { env })).json<{
      events: { event: string; details: object }[];
    }>();
    expect(events.filter(({ event }) => event === 'auth.password.generated')).toMatchObject([
      { details: { user: user.name, expire: true } },
    ]);
  });
});
