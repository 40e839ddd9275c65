import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './support/cli.ts';
import {
  allProcesses,
  makeThrowawayUser,
  noUserReason,
  type Output,
  type ThrowawayUser,
} from './support/throwaway-user.ts';

interface Status {
  name: string;
  state: string;
  user: string;
  pid: number;
  image: { reference: string; digest: string };
  ports: { name: string; host: number }[];
  shares: { host: string; guest: string; mode: string; driver: string; mounted: boolean }[];
  network: { hostIsolated: boolean };
}

const why = await noUserReason();
if (why !== undefined) console.warn(`skipped: ${why}`);

/** Words of a command line that any layer between the file and the process could break. */
const oddWords = [
  'two words',
  "it's",
  '"quoted"',
  '100% %h %%',
  `$HOME \${HOME} $$`,
  'back\\slash \\x41 \\n',
  ' tab\tand\nnewline ',
  'ünïcode 🙂',
  '',
  ';|&<>()*?[]#~',
];

/** A value that has a way through a login, which knows no newlines and no `#`. */
const spoken = `she said "it's $5", \\o/`;

/** Where the project is: a directory that is legal and nothing more. */
const oddDirectory = `pro,j $X %n "it's" \\ü`;

/** One user without any privilege, from an empty cache to nothing left: each test stands on the one before. */
describe.skipIf(why !== undefined)(`as a plain user${why ? ` (skipped: ${why})` : ''}`, () => {
  let user: ThrowawayUser;
  /** Readable by everyone: the built CLI, and a Node if the one that runs us is not. */
  let shared: string;
  let node = process.execPath;
  let home: string;
  let cache: string;
  let project: string;
  let vm: Status;
  let bootId: string;

  const env = () => ({ CLONEBOX_HOME: home, CLONEBOX_CACHE: cache, ...proxies() });
  const cli = (args: readonly string[], timeout = 300_000): Promise<Output> =>
    user.run([node, `${shared}/dist/main.js`, ...args], { env: env(), timeout });
  const json = async <T>(args: readonly string[], timeout?: number): Promise<T> => {
    const result = await cli([...args, '--json'], timeout);
    expect(result.exitCode, `${args[0]}\n${result.stdout}\n${result.stderr}`).toBe(0);
    return JSON.parse(result.stdout);
  };
  const inGuest = async (script: string): Promise<string> => {
    const result = await cli(['exec', 'hello-web', '--', 'sh', '-c', script]);
    expect(result.exitCode, `${script}\n${result.stdout}\n${result.stderr}`).toBe(0);
    return result.stdout.trim();
  };
  const at = (name: string) => path.join(project, name);
  const port = (name: string) => vm.ports.find((one) => one.name === name)?.host;
  const fetchText = async (where: string) =>
    (await fetch(`http://127.0.0.1:${port('web')}${where}`)).text();

  beforeAll(() => {
    user = makeThrowawayUser();
    shared = mkdtempSync(path.join(tmpdir(), 'cbs-'));
    chmodSync(shared, 0o755);
    cpSync(path.join(root, 'dist'), path.join(shared, 'dist'), { recursive: true });
    node = usableNode(user, shared);
    home = `${user.home}/cb`;
    cache = `${user.home}/cache`;
    project = `${user.home}/${oddDirectory}/hello-web`;
    cpSync(path.join(root, 'examples/hello-web'), project, { recursive: true });
    mkdirSync(at('sub dir'));
    const odd = JSON.stringify({
      command: ['python3', '../odd.py', ...oddWords],
      cwd: 'sub dir',
      env: {
        ...Object.fromEntries(oddWords.map((word, n) => [`ODD${n}`, word])),
        OWN: 'the unit’s',
      },
      restart: 'no',
    });
    const environment = JSON.stringify({ OWN: 'the project’s', SAY: spoken });
    const example = readFileSync(at('.clonebox.yaml'), 'utf8');
    const config = example.replace(/^run:\n/m, () => `run:\n  odd: ${odd}\n`);
    const shares = JSON.stringify([
      { host: '.' },
      { host: 'seed data', guest: '/opt/seed data', mode: 'copy' },
    ]);
    writeFileSync(
      at('.clonebox.yaml'),
      `${config}environment: ${environment}\nshares: ${shares}\n`,
    );
    mkdirSync(at('seed data'));
    writeFileSync(at('seed data/it’s "one"'), 'sown\n');
    symlinkSync('nowhere', at('seed data/link'));
    writeFileSync(
      at('odd.py'),
      `import json, os, sys
seen = {"argv": sys.argv[1:], "cwd": os.getcwd(), "uid": os.getuid(),
        "env": [os.environ.get("ODD%d" % i) for i in range(${oddWords.length})],
        "own": os.environ.get("OWN"), "say": os.environ.get("SAY")}
with open("../odd.tmp", "w") as file: json.dump(seen, file)
os.rename("../odd.tmp", "../odd.json")
`,
    );
    execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, `${user.home}/${oddDirectory}`]);
    execFileSync('find', [project, '-type', 'f', '-exec', 'chmod', '0644', '{}', '+']);
  });

  afterAll(() => {
    user?.remove();
    if (shared !== undefined) rmSync(shared, { recursive: true, force: true });
  });

  it('is told by doctor that images can be built without root', async () => {
    const report = await json<{ lines: { check: string; verdict: string; detail: string }[] }>([
      'doctor',
    ]);
    expect(report.lines).toContainEqual(
      expect.objectContaining({ check: 'user namespaces', verdict: 'ok' }),
    );
    expect(report.lines.filter((line) => line.verdict === 'problem')).toEqual([]);
    expect(report.lines.find((line) => line.check === 'images')?.detail).toContain('none yet');
  });

  it('builds the image, makes the VM and waits until it answers, in one command', async () => {
    expect(existsSync(cache) ? readdirSync(`${cache}`) : []).not.toContain('images');
    const made = await json<{ vm: Status; path: string }>(
      ['clone', project, '--user', '--run'],
      900_000,
    );
    vm = made.vm;
    expect(vm).toMatchObject({
      name: 'hello-web',
      state: 'running',
      user: user.name,
      image: { reference: expect.stringMatching(/^bootstrap:debian:/) },
      network: { hostIsolated: true },
      shares: [
        { host: project, guest: project, mode: 'rw', mounted: true },
        { host: at('seed data'), guest: '/opt/seed data', mode: 'copy', driver: null },
      ],
    });
    expect(await fetchText('/hello')).toBe('hello from hello-web\n');
    expect(await fetchText('/')).toContain('<');
  });

  it('keeps the image, the state and everything else its own and private', () => {
    const image = path.join(cache, 'images', vm.image.digest);
    expect(readdirSync(image)).toEqual(expect.arrayContaining(['disk.qcow2', 'kernel', 'initrd']));
    for (const top of [home, cache]) {
      expect(statSync(top).mode & 0o777).toBe(0o700);
      const wrong = readdirSync(top, { recursive: true, encoding: 'utf8' }).filter((entry) => {
        const facts = lstatSync(path.join(top, entry));
        const open = !facts.isSocket() && (facts.mode & 0o077) !== 0;
        return facts.uid !== user.uid || open;
      });
      expect(wrong).toEqual([]);
    }
    // The build's scratch directory belongs to subordinate users and is the likeliest thing to stay behind.
    expect(strayFiles(user)).toEqual([]);
  });

  it('made an image in which root owns what root should own', async () => {
    // Ids from 1000 on would be those of the builder, or of the user namespace it built in.
    const own = '-path /home -prune -o -path /opt -prune';
    expect(await inGuest(`find / -xdev ${own} -o -uid +999 -print | head -5`)).toBe('');
    expect(await inGuest('stat -c "%U:%G %a" /usr/bin/sudo /etc/shadow /tmp')).toBe(
      'root:root 4755\nroot:shadow 640\nroot:root 1777',
    );
  });

  it('is itself inside, in a machine of its own', async () => {
    const facts = await inGuest(
      'id -u; id -g; id -un; id -gn; echo $HOME; hostname; pwd; cat /proc/sys/kernel/random/boot_id',
    );
    const lines = facts.split('\n');
    bootId = lines.pop() ?? '';
    expect(lines).toEqual([
      ...[String(user.uid), String(user.gid), user.name, user.name],
      ...[`/home/${user.name}`, 'hello-web', project],
    ]);
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(bootId).not.toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  });

  it('becomes root in the guest by sudo, which is not root here', async () => {
    expect(await inGuest('sudo -n id -u; sudo -n touch by-root; echo done')).toBe('0\ndone');
    expect(statSync(at('by-root')).uid).toBe(user.uid);
    // A setuid file of the guest's root is, on the host, the plain user's own.
    await inGuest('sudo -n sh -c "cp /usr/bin/true suid; chmod 4755 suid"');
    expect(statSync(at('suid')).uid).toBe(user.uid);
    expect(await inGuest('rm -f by-root suid; ls')).not.toContain('by-root');
  });

  it('owns on the host what it makes in the guest, with modes and links', async () => {
    await inGuest(
      'mkdir -m 0711 g; echo "from the guest" > g/file; chmod 0640 g/file; ln -s file g/link; echo "#!/bin/sh" > g/tool; chmod 0755 g/tool; touch "g/ü é"',
    );
    for (const [name, mode] of [
      ['g', 0o711],
      ['g/file', 0o640],
      ['g/tool', 0o755],
    ] as const) {
      const { uid, gid, mode: found } = statSync(at(name));
      expect({ name, uid, gid, mode: (found & 0o7777).toString(8) }).toEqual({
        name,
        uid: user.uid,
        gid: user.gid,
        mode: mode.toString(8),
      });
    }
    expect(readFileSync(at('g/file'), 'utf8')).toBe('from the guest\n');
    expect(readlinkSync(at('g/link'))).toBe('file');
    expect(readdirSync(at('g')).sort()).toEqual(['file', 'link', 'tool', 'ü é']);
  });

  it('owns in the guest what it makes on the host, with modes and links', async () => {
    mkdirSync(at('h'));
    writeFileSync(at('h/file'), 'from the host\n');
    writeFileSync(at('h/tool'), '#!/bin/sh\necho the host tool runs\n');
    symlinkSync('file', at('h/link'));
    for (const name of ['h', 'h/file', 'h/tool']) chownSync(at(name), user.uid, user.gid);
    chmodSync(at('h/file'), 0o604);
    chmodSync(at('h/tool'), 0o755);
    expect(
      await inGuest('stat -c "%n %u %g %a" h/file h/tool; readlink h/link; cat h/link; h/tool'),
    ).toBe(
      `h/file ${user.uid} ${user.gid} 604\nh/tool ${user.uid} ${user.gid} 755\nfile\nfrom the host\nthe host tool runs`,
    );
    await inGuest('mv h/file h/moved; rm h/tool');
    expect(readdirSync(at('h')).sort()).toEqual(['link', 'moved']);
  });

  it('copied what was to be copied, which goes its own way from then on', async () => {
    const look = 'cd "/opt/seed data"; cat it*; readlink link; stat -c "%U %a" it* .';
    expect(await inGuest(look)).toBe(`sown\nnowhere\n${user.name} 644\n${user.name} 755`);
    await inGuest('echo grown > "/opt/seed data/it’s \\"one\\""');
    expect(readFileSync(at('seed data/it’s "one"'), 'utf8')).toBe('sown\n');
  });

  it('gives the words of a run command to its process as they are', async () => {
    await expect.poll(() => existsSync(at('odd.json')), { timeout: 60_000 }).toBe(true);
    expect(JSON.parse(readFileSync(at('odd.json'), 'utf8'))).toEqual({
      argv: oddWords,
      env: oddWords,
      cwd: at('sub dir'),
      uid: user.uid,
      own: 'the unit’s',
      say: spoken,
    });
  });

  it('gives the words of exec to the guest as they are', async () => {
    const script = 'import json, sys; print(json.dumps(sys.argv[1:]))';
    const result = await cli(['exec', 'hello-web', '--', 'python3', '-c', script, ...oddWords]);
    expect(JSON.parse(result.stdout)).toEqual(oddWords);
  });

  it('logs in with the key and the host key of this VM alone', async () => {
    const result = await cli(['ssh', 'hello-web', '--', 'id -un; printenv SAY']);
    expect(result.stdout, result.stderr).toBe(`${user.name}\n${spoken}\n`);
    expect(result.exitCode).toBe(0);
    expect(existsSync(`${user.home}/.ssh`)).toBe(false);
  });

  it('runs nothing as root', () => {
    const ours = allProcesses().filter(
      ({ command, uids }) => command.includes(`${home}/`) || uids.some(user.owns),
    );
    expect(ours.map(({ command }) => path.basename(command.split(' ')[0] ?? ''))).toEqual(
      expect.arrayContaining(['qemu-system-x86_64']),
    );
    expect(ours.some(({ command }) => /^\S*passt/.test(command))).toBe(true);
    for (const { command, uids } of ours)
      expect({ command, uids }).toEqual({ command, uids: Array(4).fill(user.uid) });
  });

  it('stops without a trace in the process list', async () => {
    expect((await cli(['stop', 'hello-web'])).exitCode).toBe(0);
    expect(await json<Status>(['status', 'hello-web'])).toMatchObject({ state: 'stopped' });
    expect(user.processes()).toEqual([]);
    await expect(fetchText('/')).rejects.toThrow();
  });

  it('starts again, by the other share driver, with everything still there', async () => {
    const file = readFileSync(at('.clonebox.yaml'), 'utf8');
    writeFileSync(at('.clonebox.yaml'), file.replace(/^vm:\n/m, 'vm:\n  share_driver: virtiofs\n'));
    const started = await json<{ vm: Status }>(
      ['clone', project, '--user', '--run', '--apply'],
      600_000,
    );
    vm = started.vm;
    expect(vm).toMatchObject({
      state: 'running',
      shares: [{ guest: project, driver: 'virtiofs', mounted: true }, { mode: 'copy' }],
    });
    const again = await inGuest(
      'cat /proc/sys/kernel/random/boot_id g/file; readlink g/link; cat /opt/seed*/it*',
    );
    expect(again.split('\n').slice(1)).toEqual(['from the guest', 'file', 'grown']);
    expect(again.split('\n')[0]).not.toBe(bootId);
    expect(await fetchText('/hello')).toBe('hello from hello-web\n');
    // What 9p without privileges cannot do.
    await inGuest('mkfifo g/fifo; sudo -n touch g/by-root; echo later > g/later');
    expect(lstatSync(at('g/fifo')).isFIFO()).toBe(true);
    expect(statSync(at('g/later')).uid).toBe(user.uid);
    expect(statSync(at('g/by-root')).uid).not.toBe(0);
    for (const { command, uids } of user.processes())
      expect({ command, root: uids.includes(0) }).toEqual({ command, root: false });
  });

  it('leaves nothing of a VM that is purged', async () => {
    const result = await cli(['delete', 'hello-web', '--purge', '--yes']);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(user.processes()).toEqual([]);
    expect(await json<{ vms: unknown[] }>(['list'])).toEqual({ vms: [] });
    expect(namesIn(home, 'hello-web')).toEqual([]);
    expect(readdirSync(path.join(home, 'run/vms'))).toEqual([]);
    expect(strayFiles(user)).toEqual([]);
    // The project is the user's.
    expect(readFileSync(at('g/later'), 'utf8')).toBe('later\n');
  });
});

/** A Node that the user may run: ours, or a copy. */
function usableNode(user: ThrowawayUser, shared: string): string {
  const owner = { uid: user.uid, gid: user.gid, stdio: 'pipe' } as const;
  try {
    execFileSync(process.execPath, ['--version'], { ...owner, cwd: '/' });
    return process.execPath;
  } catch {
    const copy = path.join(shared, 'node');
    cpSync(process.execPath, copy);
    chmodSync(copy, 0o755);
    return copy;
  }
}

/** The machine's way to its package mirror, which a login shell would know too. */
function proxies(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => /_proxy$/i.test(entry[0]) && entry[1] !== undefined,
    ),
  );
}

/** Files outside its home that belong to the user or to its subordinate users. */
function strayFiles(user: ThrowawayUser): string[] {
  return ['/tmp', '/var/tmp', '/dev/shm', '/run'].flatMap((top) =>
    readdirSync(top)
      .map((name) => path.join(top, name))
      .filter((file) => {
        const facts = lstatSync(file, { throwIfNoEntry: false });
        return facts !== undefined && user.owns(facts.uid);
      }),
  );
}

/** Paths below `top`, but for log and audit, that have a text in their name or content. */
function namesIn(top: string, text: string): string[] {
  return readdirSync(top, { recursive: true, encoding: 'utf8' }).filter((entry) => {
    if (/^(log|audit)\//.test(entry)) return false;
    const file = path.join(top, entry);
    return entry.includes(text) || (lstatSync(file).isFile() && readFileSync(file).includes(text));
  });
}
