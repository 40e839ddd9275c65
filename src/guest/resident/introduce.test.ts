import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeAgent, startFakeAgent } from '../../../test/fixtures/fake-agent.ts';
import type { Guest } from '../../core/guest.ts';
import type { Host } from '../../core/host.ts';
import { type IdentityItemName, identityItems } from '../../core/identity.ts';
import type { Io } from '../../core/io.ts';
import { quietIo } from '../../core/quiet-io.ts';
import type { Introduction, SetupInput } from '../../core/setup.ts';
import type { Paths } from '../../core/store.ts';
import { createHost } from '../../host/local.ts';
import { openAgent } from '../agent.ts';
import { introduce, readBaseline, readIdentity } from './introduce.ts';
import { fingerprint } from './read-facts.ts';

const io = quietIo();
const publicKey = (letter: string) =>
  `ssh-ed25519 ${Buffer.from(letter.repeat(51)).toString('base64')} host`;

const plan = {
  name: 'shop',
  user: { name: 'me', uid: 1234, gid: 1234, shell: '/bin/bash' },
  authorizedKeys: ['ssh-ed25519 AAAA theirs'],
  shares: [
    { host: '/h/shop', guest: '/home/me/work/shop', mode: 'rw' },
    { host: '/h/data', guest: '/srv/data', mode: 'ro' },
    { host: '/h/once', guest: '/srv/once', mode: 'copy' },
  ],
  environment: { NODE_ENV: 'development' },
};
const identity = {
  hostname: 'shop',
  machineId: '1'.repeat(32),
  bootId: '11111111-1111-4111-8111-111111111111',
  hostKey: { private: 'PRIVATE\n', public: publicKey('a') },
  entropy: new Uint8Array(64).fill(1),
};
const template = {
  random: '22222222-2222-4222-8222-222222222222',
  'machine-id': '2'.repeat(32),
  'boot-id': '22222222-0000-4222-8222-222222222222',
  hostname: 'template',
  'host-key': fingerprint(publicKey('t')),
};
const drawn = '33333333-3333-4333-8333-333333333333';

/** What the guest's files say once it is itself. */
const right: Readonly<Record<string, string>> = {
  '/etc/machine-id': `${identity.machineId}\n`,
  '/var/lib/dbus/machine-id': `${identity.machineId}\n`,
  '/proc/sys/kernel/random/boot_id': `${identity.bootId}\n`,
  '/proc/sys/kernel/random/uuid': '44444444-4444-4444-8444-444444444444\n',
  '/proc/sys/kernel/hostname': 'shop\n',
  '/etc/hostname': 'shop\n',
  '/etc/hosts': '127.0.0.1 localhost\n127.0.1.1\tshop\n10.0.0.9 db\n',
  '/etc/ssh/ssh_host_ed25519_key.pub': `${publicKey('a')}\n`,
  '/home/me/.ssh/authorized_keys': 'ssh-ed25519 OWN own\nssh-ed25519 AAAA theirs\n',
  '/root/.ssh/authorized_keys': 'ssh-ed25519 OWN own\n',
  '/proc/self/mounts':
    '/dev/vda / ext4 rw 0 0\nshare0 /home/me/work/shop 9p rw 0 0\nshare1 /srv/data 9p ro 0 0\n',
};

let agent: FakeAgent;
let guest: Guest;
let server: Server;
/** What the helper was asked, a list of words for each step; and how it answers one, when not by `ok`. */
let asked: string[][];
let answers: (verbs: string[]) => string | undefined;
/** What ssh tells of the key that it was served. */
let served: string;

beforeEach(async () => {
  agent = await startFakeAgent();
  guest = openAgent(createHost(), agent.socketPath);
  for (const [path, content] of Object.entries(right)) put(path, content);
  asked = [];
  answers = () => undefined;
  served = `debug1: Server host key: ssh-ed25519 ${fingerprint(publicKey('a'))}\ndebug1: SSH2_MSG_NEWKEYS received\n`;
  server = createServer((socket) => {
    let lines: string[] = [];
    let pending = '';
    socket.on('data', (chunk) => {
      const parts = (pending + chunk.toString('utf8')).split('\n');
      pending = parts.pop() ?? '';
      for (const line of parts) {
        const [verb = '', ...words] = line.split(' ');
        if (verb === 'begin') lines = [];
        if (verb === 'go') {
          const steps = lines.map((one) => one.split(' '));
          const decoded = steps.map(([first = '', ...rest]) => [
            first,
            ...rest.map((word) => Buffer.from(word, 'hex').toString('utf8')),
          ]);
          asked.push(...decoded);
          const usual = `ok random=${Buffer.from(drawn).toString('hex')}`;
          const verbs = decoded.map(([first = '']) => first);
          socket.write(`${words[0]} ${answers(verbs) ?? usual}\n`);
        } else if (verb !== '' && verb !== 'begin') lines.push(line);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(helperSocket(), resolve));
});
afterEach(async () => {
  await guest.close();
  await new Promise((resolve) => server.close(resolve));
  await agent.close();
});

const helperSocket = () => join(dirname(agent.socketPath), 'helper');

function put(path: string, content: string | undefined): void {
  const place = agent.guest + path;
  mkdirSync(dirname(place), { recursive: true });
  if (content === undefined) rmSync(place);
  else writeFileSync(place, content);
}

function bed() {
  const real = createHost();
  const host = {
    ...real,
    files: {
      ...real.files,
      readText: async (path: string) =>
        path === '/vm/known_hosts' ? `clonebox-shop ${publicKey('a')}\n` : 'ssh-ed25519 OWN own\n',
    },
    require: async () => 'ssh',
    run: async (_: unknown, own: Io, { onLine }: { onLine: (line: string) => void }) => {
      for (const line of served.split('\n')) onLine(line);
      own.signal.throwIfAborted();
      return { exitCode: 255, signal: undefined, stdout: '', stderr: served };
    },
    sleep: async () => {},
  } as unknown as Host;
  const paths = {
    vm: () => ({ publicKey: '/vm/key.pub', knownHosts: '/vm/known_hosts' }),
  } as unknown as Paths;
  const record = { name: 'shop', plan, leases: [{ name: 'ssh', guest: 22, host: 2222 }] };
  const helper = helperSocket();
  const input = { plan, record, guest, shareDriver: '9p', helper } as unknown as SetupInput;
  return { deps: { host, paths }, input };
}

function run(over: Partial<Introduction> = {}) {
  const { deps, input } = bed();
  const workstation = { timeZone: undefined, locale: 'C', certificates: [], proxy: {} };
  const introduction = {
    ...{ identity, template, workstation },
    answered: Promise.resolve(),
    meanwhile: async () => {},
    ...over,
  };
  return introduce(deps, { input, introduction }, io);
}

const verbs = () => asked.map(([verb]) => verb);

describe('a machine from kept memory', () => {
  test('is told everything that makes it itself, in order, and is proven', async () => {
    const { items } = await run();
    expect(items.map(({ item }) => item)).toEqual(identityItems);
    expect(items.filter(({ isRight }) => !isRight)).toEqual([]);
    expect(items.map(({ by }) => by)).toContain('sshd');
    expect(JSON.stringify(items)).not.toContain('PRIVATE');
    expect(verbs().slice(0, 6)).toEqual([
      ...['random', 'clock', 'machine-id', 'file', 'file', 'boot-id'],
    ]);
    // journald comes when all is proven, in a request of its own.
    expect(verbs().slice(-2)).toEqual(['mount', 'journal']);
    const step = (path: string) =>
      asked.find(([, first, second]) => [first, second].includes(path));
    expect(step('/etc/ssh/ssh_host_ed25519_key')).toEqual([
      ...['file', '/etc/ssh/ssh_host_ed25519_key', '600', '0', '0', 'PRIVATE\n'],
    ]);
    expect(step('/home/me/.ssh')).toEqual(['directory', '/home/me/.ssh', '700', '1234', '1234']);
    expect(step('/home/me/.ssh/authorized_keys')?.slice(2)).toEqual([
      ...['600', '1234', '1234', right['/home/me/.ssh/authorized_keys']],
    ]);
    expect(step('/home/me/work')).toEqual(['directory', '/home/me/work', '755', '1234', '1234']);
    expect(step('/etc/profile.d/clonebox.sh')?.at(-1)).toContain('export NODE_ENV=development');
    expect(asked.filter(([verb]) => verb === 'mount').map((words) => words.slice(1))).toEqual([
      ['share0', '/home/me/work/shop', expect.stringContaining('cache=mmap'), 'rw'],
      ['share1', '/srv/data', expect.stringContaining('trans=virtio'), 'ro'],
    ]);
    expect(agent.received.some(({ execute }) => execute === 'guest-exec')).toBe(false);
  });

  test('costs the agent few round trips', async () => {
    await run();
    const kinds = agent.received.map(({ execute }) => execute);
    const turns = kinds.filter((kind, index) => kind !== kinds[index - 1]);
    expect(turns).toEqual([
      ...['guest-sync', 'guest-file-open', 'guest-file-read', 'guest-file-close', 'guest-get-time'],
    ]);
  });

  const lies: [IdentityItemName, string, () => void][] = [
    [
      'random',
      "the kernel draws the template's numbers",
      () => put('/proc/sys/kernel/random/uuid', template.random),
    ],
    [
      'random',
      'the kernel draws the same number twice',
      () => put('/proc/sys/kernel/random/uuid', drawn),
    ],
    [
      'random',
      'the helper does not say what it drew',
      () => {
        answers = () => 'ok';
      },
    ],
    [
      'clock',
      'the clock stays behind',
      () => {
        agent.skew = -5000;
      },
    ],
    [
      'clock',
      'the clock is ahead',
      () => {
        agent.skew = 1500;
      },
    ],
    [
      'machine-id',
      "the machine id is the template's",
      () => put('/etc/machine-id', template['machine-id']),
    ],
    ['machine-id', 'there is no machine id', () => put('/etc/machine-id', undefined)],
    [
      'machine-id',
      "D-Bus has the template's",
      () => put('/var/lib/dbus/machine-id', template['machine-id']),
    ],
    [
      'boot-id',
      "the boot id is the template's",
      () => put('/proc/sys/kernel/random/boot_id', template['boot-id']),
    ],
    [
      'hostname',
      "the kernel has the template's name",
      () => put('/proc/sys/kernel/hostname', 'template\n'),
    ],
    ['hostname', "the next boot has the template's name", () => put('/etc/hostname', 'template\n')],
    [
      'hosts',
      "the hosts have the template's name",
      () => put('/etc/hosts', '127.0.0.1 localhost\n127.0.1.1 template\n'),
    ],
    [
      'host-key',
      "sshd serves the template's key",
      () => {
        served = served.replace(/SHA256:\S+/, template['host-key']);
      },
    ],
    [
      'host-key',
      'sshd shows a key that it cannot sign with',
      () => {
        served = served.replace(/debug1: SSH2.*/, 'incorrect signature');
      },
    ],
    [
      'host-key',
      'no sshd answers',
      () => {
        served = 'Connection reset by peer\n';
      },
    ],
    [
      'login-key',
      'somebody else may log in',
      () => put('/root/.ssh/authorized_keys', 'ssh-ed25519 OWN own\nssh-ed25519 EVIL evil\n'),
    ],
    ['login-key', 'nobody may log in', () => put('/home/me/.ssh/authorized_keys', undefined)],
    [
      'shares',
      'a share is not mounted',
      () => put('/proc/self/mounts', 'share0 /home/me/work/shop 9p rw 0 0\n'),
    ],
    [
      'shares',
      'a share may be written that must not',
      () => put('/proc/self/mounts', right['/proc/self/mounts']?.replace('9p ro', '9p rw') ?? ''),
    ],
  ];

  test.each(lies)('is refused for its %s when %s', async (item, _, lie) => {
    lie();
    await expect(run()).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining(`not itself: ${item}\n`),
      hint: expect.any(String),
      facts: { items: [item] },
    });
    expect(verbs()).not.toContain('journal');
  });

  test('is refused for everything that is wrong, by name', async () => {
    put('/etc/hostname', 'template\n');
    put('/etc/machine-id', template['machine-id']);
    agent.skew = 60_000;
    await expect(run()).rejects.toMatchObject({
      facts: { items: ['clock', 'machine-id', 'hostname'] },
    });
    // A clock alone could be put right.
    expect(verbs().filter((verb) => verb === 'clock')).toHaveLength(1);
  });

  test('whose clock was set too late gets it once more', async () => {
    agent.skew = -3000;
    let set = 0;
    answers = ([first]) => {
      if (first === 'clock' && ++set === 2) agent.skew = 200;
      return undefined;
    };
    const { items } = await run();
    expect(verbs().filter((verb) => verb === 'clock')).toHaveLength(3);
    expect(items.find(({ item }) => item === 'clock')).toMatchObject({ isRight: true });
  });

  test.each<[string, string, IdentityItemName[]]>([
    ['random', 'RNDADDENTROPY: Operation not permitted', ['random']],
    ['mount', '/srv/data: mount: No such file or directory', ['shares']],
    ['file', '/etc/ssh/ssh_host_ed25519_key: Read-only file system', ['host-key']],
    ['file', '/home/me/.ssh/authorized_keys: No space left on device', ['login-key']],
    ['journal', 'journald does not run', []],
  ])('that fails at its %s (%s) is refused by item', async (step, reason, items) => {
    answers = (all) =>
      all.includes('random') ? `failed ${step} ${Buffer.from(reason).toString('hex')}` : undefined;
    await expect(run()).rejects.toMatchObject({
      code: 'guest-failed',
      facts: { step, reason, items },
    });
    expect(agent.received).toEqual([]);
  });

  test('whose helper makes no sense is right in nothing', async () => {
    answers = (all) => (all.length > 0 ? 'what?' : undefined);
    await expect(run()).rejects.toMatchObject({
      code: 'guest-failed',
      facts: { items: identityItems },
    });
  });
});

describe('a machine that runs', () => {
  test('is read for the template that it will be', async () => {
    const { input } = bed();
    put('/home/me/.ssh/authorized_keys', undefined);
    put('/root/.ssh/authorized_keys', '\n');
    put('/proc/self/mounts', '/dev/vda / ext4 rw 0 0\n');
    put('/etc/ssh/ssh_host_ed25519_key.pub', undefined);
    expect(await readBaseline(input, io)).toEqual({
      random: '44444444-4444-4444-8444-444444444444',
      'machine-id': identity.machineId,
      'boot-id': identity.bootId,
      hostname: 'shop',
      hosts: '127.0.1.1 shop',
    });
  });

  test('is compared with its record, and told what is not right', async () => {
    const { deps, input } = bed();
    const known = { template: {} };
    const whole = await readIdentity(deps, { input, known }, io);
    expect(whole.items.filter(({ isRight }) => !isRight)).toEqual([]);
    put('/etc/machine-id', `${'5'.repeat(32)}\n`);
    put('/var/lib/dbus/machine-id', '5'.repeat(32));
    const own = await readIdentity(deps, { input, known }, io);
    expect(own.items.every(({ isRight }) => isRight)).toBe(true);
    const { items } = await readIdentity(
      deps,
      { input, known: { template, machineId: identity.machineId } },
      io,
    );
    expect(items.filter(({ isRight }) => !isRight)).toEqual([
      {
        item: 'machine-id',
        wanted: identity.machineId,
        found: '5'.repeat(32),
        template: template['machine-id'],
        by: 'agent',
        isRight: false,
      },
    ]);
  });
});
