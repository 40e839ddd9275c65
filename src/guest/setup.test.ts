import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { CloneboxError } from '../core/errors.ts';
import type { Guest, GuestExecOptions, GuestResult } from '../core/guest.ts';
import type { Host } from '../core/host.ts';
import type { Io, Progress } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { SetupInput, Workstation } from '../core/setup.ts';
import type { Paths } from '../core/store.ts';
import { createGuestSetup } from './setup.ts';

const plan = {
  name: 'shop',
  user: { name: 'me', uid: 1234, gid: 1234, shell: '/bin/bash' },
  authorizedKeys: ['ssh-ed25519 AAAA theirs'],
  shares: [{ host: '/home/me/work/shop', guest: '/home/me/work/shop', mode: 'rw' }],
  directory: '/home/me/work/shop',
  packages: [],
  snapPackages: [],
  services: [],
  run: [],
  provision: [],
  postCommands: [],
  environment: { NODE_ENV: 'development' },
  secrets: [],
} as unknown as VmPlan;

const workstation: Workstation = {
  timeZone: 'Europe/Berlin',
  locale: 'C',
  certificates: [],
  proxy: {},
};

const guestFiles: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\n',
  '/etc/shadow': 'root:*:1:0:9:7:::\n',
  '/etc/group': 'root:x:0:\nshadow:x:42:\nsudo:x:27:\n',
  '/etc/skel/.bashrc': '# a shell\n',
  '/proc/self/mounts': '/dev/vda / ext4 rw 0 0\nshare0 /home/me/work/shop 9p rw 0 0\n',
};

interface Ran {
  readonly argv: readonly string[];
  readonly options: GuestExecOptions;
}

interface Answer {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A guest that does nothing but remember what it is asked to run; `answer` says how that ends. */
function fakeGuest(answer: (ran: Ran) => Answer | undefined = () => undefined, files = guestFiles) {
  const ran: Ran[] = [];
  const guest = {
    readFile: async (path: string) => {
      const text = files[path];
      return text === undefined ? undefined : Buffer.from(text);
    },
    exec: async (argv: readonly string[], _: Io, options: GuestExecOptions = {}) => {
      ran.push({ argv, options });
      const { exitCode = 0, stdout = '', stderr = '' } = answer({ argv, options }) ?? {};
      if (stdout) options.onOutput?.('stdout', Buffer.from(stdout));
      return { exitCode, stdout, stderr, truncated: false } satisfies GuestResult;
    },
  } as unknown as Guest;
  return { guest, ran };
}

const host = {
  files: {
    readText: async (path: string) =>
      path.endsWith('.pub') ? 'ssh-ed25519 OWN own\n' : 'PRIVATE\n',
  },
} as unknown as Host;
const paths = {
  vm: () => ({ publicKey: '/vm/key.pub', hostKey: '/vm/host_key' }),
} as unknown as Paths;

async function provision(
  over: Partial<VmPlan>,
  guest: Guest,
  { image = 'agent', io = quietIo() }: { image?: string; io?: Io } = {},
): Promise<void> {
  const made = { ...plan, ...over };
  const record = { name: made.name, plan: made, image: { setup: image } };
  const input = { plan: made, record, guest, shareDriver: '9p' } as unknown as SetupInput;
  const setup = createGuestSetup({ host, paths });
  await setup.provision(input, workstation, io);
  await setup.startCommands(input, workstation, io);
}

/** The archives that went in, as tar shows them. */
function unpacked(ran: readonly Ran[]): Map<string, { facts: string; text: string }> {
  const found = new Map<string, { facts: string; text: string }>();
  for (const { options } of ran) {
    if (options.stdin === undefined) continue;
    const input = Buffer.from(options.stdin as Uint8Array);
    const list = execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input, encoding: 'utf8' });
    for (const line of list.trimEnd().split('\n')) {
      const [mode = '', owner = '', , , , ...rest] = line.split(/ +/);
      const path = rest.join(' ').split(' -> ')[0] ?? '';
      const isFile = mode.startsWith('-');
      const text = isFile
        ? execFileSync('tar', ['-xOf', '-', path], { input, encoding: 'utf8' })
        : '';
      found.set(`/${path}`, { facts: `${mode} ${owner}`, text });
    }
  }
  return found;
}

describe('a fresh guest', () => {
  test('gets its user, keys and name with the right owners', async () => {
    const { guest, ran } = fakeGuest();
    await provision({}, guest);
    const files = unpacked(ran);
    const facts = (path: string) => files.get(path)?.facts;
    expect(files.get('/etc/passwd')?.text).toContain('me:x:1234:1234::/home/me:/bin/bash');
    expect(facts('/etc/shadow')).toBe('-rw-r----- 0/42');
    expect(facts('/etc/sudoers.d/90-clonebox')).toBe('-r--r----- 0/0');
    expect(facts('/home/me')).toBe('drwxr-x--- 1234/1234');
    expect(facts('/home/me/.bashrc')).toBe('-rw-r--r-- 1234/1234');
    expect(facts('/home/me/.ssh')).toBe('drwx------ 1234/1234');
    expect(files.get('/home/me/.ssh/authorized_keys')).toEqual({
      facts: '-rw------- 1234/1234',
      text: 'ssh-ed25519 OWN own\nssh-ed25519 AAAA theirs\n',
    });
    // What is said in the file is for the user; root is reached by the key of this VM alone.
    expect(files.get('/root/.ssh/authorized_keys')?.text).toBe('ssh-ed25519 OWN own\n');
    expect(files.get('/etc/ssh/ssh_host_ed25519_key')).toEqual({
      facts: '-rw------- 0/0',
      text: 'PRIVATE\n',
    });
    expect(files.get('/etc/hostname')?.text).toBe('shop\n');
    expect(files.get('/etc/hosts')?.text).toMatch(/^127\.0\.1\.1 shop$/m);
    // Between the home and the share, not the share itself: that is mounted there.
    expect(facts('/home/me/work')).toBe('drwxr-xr-x 1234/1234');
    expect(files.has('/home/me/work/shop')).toBe(false);
  });

  test('of root has no second account and no sudo', async () => {
    const { guest, ran } = fakeGuest();
    await provision({ user: { name: 'root', uid: 0, gid: 0, shell: '/bin/sh' } }, guest);
    const files = unpacked(ran);
    expect(files.get('/etc/passwd')?.text).toBe(guestFiles['/etc/passwd']);
    expect(files.has('/etc/sudoers.d/90-clonebox')).toBe(false);
    expect([...files.keys()].filter((path) => path.startsWith('/home'))).toEqual([]);
    expect(files.get('/root/.ssh/authorized_keys')?.text).toContain('theirs');
  });

  test('is left to itself by cloud-init afterwards, which is waited for first', async () => {
    const { guest, ran } = fakeGuest();
    await provision({}, guest, { image: 'cloud-init' });
    expect(ran[0]?.argv.slice(0, 3)).toEqual(['cloud-init', 'status', '--wait']);
    expect(unpacked(ran).has('/etc/cloud/cloud-init.disabled')).toBe(true);
    // A vendor's sshd runs already, with a key that is not ours.
    const restarts = (all: readonly Ran[]) =>
      all.some(({ argv }) => argv.some((word) => /ssh\.service.*systemctl restart/s.test(word)));
    expect(restarts(ran)).toBe(true);
    const own = fakeGuest();
    await provision({}, own.guest);
    expect(own.ran.some(({ argv }) => argv.includes('cloud-init'))).toBe(false);
    expect(restarts(own.ran)).toBe(false);
    expect(unpacked(own.ran).has('/etc/cloud/cloud-init.disabled')).toBe(false);
  });

  test.each([
    [0, true],
    [2, true],
    [1, false],
  ])('whose cloud-init ended with status %d is %s to go on with', async (exitCode, good) => {
    const { guest } = fakeGuest(({ argv }) =>
      argv[0] === 'cloud-init' ? { exitCode, stdout: 'status: error\ndetail: no network\n' } : {},
    );
    const made = provision({}, guest, { image: 'cloud-init' });
    if (good) return made;
    await expect(made).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('no network'),
      facts: { phase: 'cloud-init' },
    });
  });

  test('without one of its shares is no machine', async () => {
    const files = { ...guestFiles, '/proc/self/mounts': '/dev/vda / ext4 rw 0 0\n' };
    const { guest, ran } = fakeGuest(
      ({ argv }) => (argv[0] === 'journalctl' ? { stdout: 'mount: bad superblock\n' } : {}),
      files,
    );
    await expect(provision({ services: ['x'] }, guest)).rejects.toMatchObject({
      code: 'guest-failed',
      message: 'not mounted in the guest: /home/me/work/shop\nmount: bad superblock',
      facts: { phase: 'shares' },
    });
    expect(ran.some(({ argv }) => argv[0] === 'systemctl')).toBe(false);
  });
});

describe('what a plan wants', () => {
  const finding = { source: 'x', confidence: 'certain', reason: 'x' } as const;

  test('is done in the order that was promised, each with its words', async () => {
    const phases: string[] = [];
    const emit = (one: Progress) => {
      if (one.kind === 'phase') phases.push(one.id);
    };
    const { guest, ran } = fakeGuest();
    await provision(
      {
        packages: [
          { name: 'postgresql', version: undefined, finding },
          { name: 'nodejs', version: '18.1-1', finding },
        ],
        services: ['postgresql', '-odd'],
        provision: [
          { kind: 'run', run: 'echo $HOME && make', as: 'root' },
          { kind: 'file', path: '/etc/motd', content: 'hi\n', mode: 0o600 },
          { kind: 'run', run: 'npm ci', as: 'user' },
        ],
        run: [{ name: 'web', command: ['x'], cwd: '/', env: {}, port: 80, restart: 'always' }],
        postCommands: ['npm test'],
      },
      guest,
      { io: { ...quietIo(), emit } },
    );
    expect(phases).toEqual([
      ...['identity', 'shares', 'packages', 'services', 'provision', 'post', 'run'],
    ]);
    const words = ran.map(({ argv, options }) => ({ argv: argv.join(' '), options }));
    const at = (text: string) => words.findIndex(({ argv }) => argv.includes(text));
    expect(words[at('apt-get')]?.argv).toMatch(/install -- postgresql nodejs=18\.1-1$/);
    expect(words[at('apt-get')]?.options.env).toEqual({ DEBIAN_FRONTEND: 'noninteractive' });
    expect(words[at('enable')]?.argv).toBe('systemctl enable --now -- postgresql -odd');
    expect(words[at('make')]).toMatchObject({
      argv: '/bin/bash -c echo $HOME && make',
      options: { cwd: '/home/me', env: { NODE_ENV: 'development' } },
    });
    expect(words[at('make')]?.options.user).toBeUndefined();
    expect(words[at('npm ci')]?.options).toMatchObject({ user: 'me', cwd: '/home/me' });
    expect(words[at('npm test')]?.options).toMatchObject({ user: 'me' });
    const files = unpacked(ran);
    expect(files.get('/etc/motd')).toEqual({ facts: '-rw------- 0/0', text: 'hi\n' });
    const unit = files.get('/etc/systemd/system/clonebox-run-web.service')?.text;
    expect(unit).toContain('Environment="NODE_ENV=development"\n');
    expect(words[at('restart clonebox-run-web.service')]?.options.stdin).toBeDefined();
  });

  test('and fails is told with phase, command and last lines, and nothing after it runs', async () => {
    const lines = Array.from({ length: 40 }, (_, n) => `line ${n}`).join('\n');
    const { guest, ran } = fakeGuest(({ argv }) =>
      argv[2] === 'make' ? { exitCode: 2, stdout: lines, stderr: 'make: *** no rule\n' } : {},
    );
    const failed = await provision(
      { provision: [{ kind: 'run', run: 'make', as: 'root' }], postCommands: ['never'] },
      guest,
    ).catch((error: unknown) => error as CloneboxError);
    expect(failed).toBeInstanceOf(CloneboxError);
    expect(failed).toMatchObject({
      code: 'guest-failed',
      message: expect.stringMatching(/`make` failed with status 2\nline 26\n/),
      hint: expect.stringContaining('--keep-failed'),
      facts: { phase: 'provision', command: 'make', exitCode: 2 },
    });
    expect((failed as CloneboxError).facts.output).toMatch(/make: \*\*\* no rule$/);
    expect(ran.some(({ argv }) => argv.includes('never'))).toBe(false);
  });

  test('of packages is tried with the image’s lists first, and then with new ones', async () => {
    let installs = 0;
    const { guest, ran } = fakeGuest(({ argv }) =>
      argv.includes('install') && ++installs === 1 ? { exitCode: 100, stderr: '404' } : {},
    );
    await provision({ packages: [{ name: 'git', version: undefined, finding }] }, guest);
    const apt = ran.filter(({ argv }) => argv[0] === 'apt-get').map(({ argv }) => argv);
    expect(apt.map((argv) => (argv.includes('update') ? 'update' : 'install'))).toEqual([
      ...['install', 'update', 'install'],
    ]);
  });

  test('of a package that is nowhere fails as that, once', async () => {
    const { guest, ran } = fakeGuest(({ argv }) =>
      argv.includes('install')
        ? { exitCode: 100, stderr: 'E: Unable to locate package gti\n' }
        : {},
    );
    await expect(
      provision({ packages: [{ name: 'gti', version: undefined, finding }] }, guest),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/`apt-get install gti` failed .*\n.*locate package gti$/s),
      facts: { phase: 'packages', command: 'apt-get install gti' },
    });
    expect(ran.filter(({ argv }) => argv.includes('install'))).toHaveLength(2);
  });

  test('is not repeated on a guest that is lost', async () => {
    const lost = new CloneboxError('guest-failed', 'the guest is lost: it closed its channel');
    const { guest, ran } = fakeGuest(({ argv }) => {
      if (argv.includes('install')) throw lost;
      return {};
    });
    await expect(
      provision({ packages: [{ name: 'git', version: undefined, finding }] }, guest),
    ).rejects.toMatchObject({
      message: expect.stringContaining('the guest is lost'),
      facts: { phase: 'packages' },
    });
    expect(ran.filter(({ argv }) => argv.includes('update'))).toEqual([]);
  });

  test('ends with Ctrl-C as Ctrl-C', async () => {
    const interrupt = new AbortController();
    const { guest } = fakeGuest(({ argv }) => {
      if (!argv.includes('make')) return {};
      interrupt.abort(new CloneboxError('interrupted', 'Ctrl-C'));
      throw new Error('the channel broke');
    });
    const steps = { provision: [{ kind: 'run', run: 'make', as: 'root' } as const] };
    await expect(provision(steps, guest, { io: quietIo(interrupt.signal) })).rejects.toMatchObject({
      code: 'interrupted',
    });
  });
});

describe('a later start', () => {
  const verify = (guest: Guest) =>
    createGuestSetup({ host, paths }).verifyShares(
      { plan, record: {}, guest, shareDriver: '9p' } as unknown as SetupInput,
      quietIo(),
    );

  test('with everything mounted runs nothing in the guest', async () => {
    const { guest, ran } = fakeGuest();
    await verify(guest);
    expect(ran).toEqual([]);
  });

  test('waits for the guest that is still at it', async () => {
    const files = { ...guestFiles, '/proc/self/mounts': '' };
    const { guest, ran } = fakeGuest(() => {
      files['/proc/self/mounts'] = guestFiles['/proc/self/mounts'] ?? '';
      return {};
    }, files);
    await verify(guest);
    expect(ran.map(({ argv }) => argv)).toEqual([
      ['systemctl', 'start', 'clonebox-shares.service'],
    ]);
  });

  test('fails when a share cannot be mounted at all', async () => {
    const { guest } = fakeGuest(undefined, { ...guestFiles, '/proc/self/mounts': '' });
    await expect(verify(guest)).rejects.toMatchObject({
      code: 'guest-failed',
      facts: { missing: ['/home/me/work/shop'] },
    });
  });
});

describe('the way out', () => {
  const web = { name: 'web', command: ['x'], cwd: '/', env: {}, port: undefined, restart: 'no' };
  const tell = (egress: string, guest: Guest, phase = 'ready') => {
    const own = { ...plan, egress, run: [web] };
    const input = { plan: own, record: { phase }, guest, shareDriver: '9p' };
    return createGuestSetup({ host, paths }).tellEgress(
      input as unknown as SetupInput,
      { ...workstation, proxy: { http_proxy: 'http://proxy.example:8080' } },
      quietIo(),
    );
  };
  const listed = '# The way out is the proxy of egress: allowlist.\nexport x=y\n';

  test.each([
    ['full', 'export x=y\n'],
    ['none', 'export x=y\n'],
    ['allowlist', listed],
  ])('of egress %s that a guest knows is not told again', async (egress, text) => {
    const { guest, ran } = fakeGuest(undefined, { '/etc/profile.d/clonebox.sh': text });
    await tell(egress, guest);
    expect(ran).toEqual([]);
  });

  test('by an allow-list is told to logins, apt and the units', async () => {
    const { guest, ran } = fakeGuest();
    await tell('allowlist', guest);
    const files = unpacked(ran);
    const proxy = 'http://127.0.0.1:3128';
    for (const name of ['http_proxy', 'HTTPS_PROXY'])
      expect(files.get('/etc/environment')?.text).toContain(`${name}="${proxy}"\n`);
    expect(files.get('/etc/environment')?.text).toContain('no_proxy="localhost,127.0.0.1,::1"\n');
    expect(
      files.get('/etc/profile.d/clonebox.sh')?.text.startsWith(listed.split('\n')[0] ?? ''),
    ).toBe(true);
    expect(files.get('/etc/apt/apt.conf.d/90clonebox-proxy')?.text).toContain(
      `https::Proxy "${proxy}"`,
    );
    const unit = files.get('/etc/systemd/system/clonebox-run-web.service')?.text;
    expect(unit).toContain(`https_proxy=${proxy}`);
    expect([...files.values()].some(({ text }) => text.includes('proxy.example'))).toBe(false);
  });

  test("is the workstation's own again when the list has gone", async () => {
    const { guest, ran } = fakeGuest(undefined, { '/etc/profile.d/clonebox.sh': listed });
    await tell('full', guest);
    expect(unpacked(ran).get('/etc/environment')?.text).toContain(
      'http_proxy="http://proxy.example:8080"\n',
    );
    expect(unpacked(ran).get('/etc/profile.d/clonebox.sh')?.text).not.toContain('allowlist');
  });

  test('is told at the first boot before there are units', async () => {
    const { guest, ran } = fakeGuest();
    await tell('allowlist', guest, 'creating');
    expect([...unpacked(ran).keys()].filter((path) => path.includes('systemd'))).toEqual([]);
  });
});
