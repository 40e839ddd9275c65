import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli, freshHome, main, ok, scratch } from './support/cli.ts';
import { fails, snapshot, tracesOf } from './support/traces.ts';

// What users mistype and what projects bring along. No machine is started here.

const home = freshHome();
const area = scratch();
/** An empty cache: whatever would need an image must have failed before. */
const cache = path.join(area, 'cache');
const env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: cache };

let count = 0;
let project: string;
let before: string[];

/** A project of its own for each test; what it holds at the end of the set-up must be what it holds after the test. */
function give(files: Readonly<Record<string, string | Buffer>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(project, name)), { recursive: true });
    writeFileSync(path.join(project, name), content);
  }
  before = snapshot(project);
  return project;
}

const config = (text: string | Buffer) => give({ '.clonebox.yaml': text });

beforeEach(() => {
  project = path.join(area, `p${count++}`);
  mkdirSync(project);
  before = [];
});

afterEach(() => {
  expect(snapshot(project)).toEqual(before);
  expect(tracesOf(home, path.basename(project))).toEqual([]);
  const images = path.join(cache, 'images');
  expect(existsSync(images) ? readdirSync(images) : []).toEqual([]);
});

/** Runs the CLI where some paths show something else, or says why that cannot be done here. */
const namespaces = process.getuid?.() === 0 ? ['unshare', '--mount'] : ['unshare', '-rm'];
const noNamespaces = spawnSync(namespaces[0] ?? '', [...namespaces.slice(1), 'true']).status !== 0;

function elsewhere(
  mounts: Readonly<Record<string, string>>,
  args: readonly string[],
): { exitCode: number; stdout: string; stderr: string; json: <T>() => T } {
  const words = Object.entries(mounts).flat();
  const script = `n=$1; shift; while [ "$n" -gt 0 ]; do mount --bind "$2" "$1" || exit 99; shift 2; n=$((n - 1)); done; exec "$@"`;
  const { status, stdout, stderr } = spawnSync(
    namespaces[0] ?? '',
    [
      ...namespaces.slice(1),
      ...['sh', '-c', script, 'sh', String(words.length / 2), ...words],
      ...[process.execPath, main, ...args],
    ],
    { encoding: 'utf8', env: { ...process.env, ...env, NO_COLOR: '1' } },
  );
  return { exitCode: status ?? 128, stdout, stderr, json: () => JSON.parse(stdout) };
}

describe('a word that is wrong', () => {
  it.each([
    [['clnoe'], /has no command "clnoe"/, /clone/],
    [['bogus'], /has no command "bogus"/, /clonebox --help/],
    [['clone', '--memry', '2G'], /unknown option "--memry"/, /--memory/],
    [['clone', '--memory', '2'], /--memory: "2" needs a unit/, ''],
    [['clone', '--cpus', 'many'], /--cpus: "many" is not a whole number/, ''],
    [['exec', 'some-vm', 'ls'], /needs -- before the command/, /-- ls/],
  ])('%j', async (args, says, hint) => {
    const result = await cli(args, { env });
    expect([result.exitCode, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toMatch(says);
    expect(result.stderr).toMatch(hint);
    const script = await cli(['--json', ...args], { env });
    expect(script.exitCode).toBe(2);
    expect(script.json()).toMatchObject({ error: { code: 'usage' } });
  });

  const long = 'a'.repeat(300);
  it.each([
    ['that leads elsewhere', '../x'],
    ['with a space', 'a b'],
    ['of 300 characters', long],
    ['with a capital', 'Ä'],
    ['that is empty', ''],
    ['that looks like an option', '-x'],
    ['of two lines', 'a\nb'],
  ])('a VM name %s', async (_, name) => {
    config("version: '2'\n");
    const result = await cli(['clone', project, `--name=${name}`], { env });
    expect(result.exitCode, result.stderr).toBe(2);
    expect(result.stderr).toMatch(/name/);
    expect(result.stderr.split('\n').every((line) => line.length < 200)).toBe(true);
  });

  it('a VM name in the file', async () => {
    config("version: '2'\nvm: { name: ../x }\n");
    const says = [`${project}/.clonebox.yaml:2:13`, /vm\.name "\.\.\/x" is not a name/];
    await fails(
      ['clone', project],
      { exit: 3, code: 'config-invalid', says, hint: /validate/ },
      { env },
    );
  });

  it('a VM that does not exist', async () => {
    const missing = { exit: 4, code: 'not-found', hint: /clonebox list/ };
    const says = [/no VM named nobody/];
    for (const words of [['status'], ['stop'], ['delete'], ['ssh-config'], ['logs']])
      await fails([...words, 'nobody'], { ...missing, says }, { env });
    await fails(['exec', 'nobody', '--', 'ls'], { ...missing, says }, { env });
    await fails(['status', '../nowhere'], { ...missing, says: [/does not exist/] }, { env });
    await fails(['status', `./${long}`], { ...missing, says: [/does not exist/] }, { env });
  });

  it('a project without a file, and one that has it already', async () => {
    await fails(
      ['create', project],
      {
        ...{ exit: 4, code: 'not-found' },
        says: [`${project}/.clonebox.yaml does not exist`],
        hint: /clonebox init/,
      },
      { env },
    );
    await ok(['init', project], { env });
    before = snapshot(project);
    await fails(
      ['init', project],
      { exit: 5, code: 'conflict', says: [/exists already/], hint: /config validate/ },
      { env },
    );
  });
});

describe('a configuration that cannot be', () => {
  const invalid = { exit: 3, code: 'config-invalid' };

  it('an unknown key, with its place and the near one', async () => {
    config("version: '2'\nvm:\n  memry: 2G\nprts: [80]\n");
    const file = `${project}/.clonebox.yaml`;
    const says = [
      `${file}:3:3 vm.memry is not a known key (did you mean \`memory\`?)`,
      `${file}:4:1 prts is not a known key (did you mean \`ports\`?)`,
    ];
    await fails(['clone', project], { ...invalid, says, hint: /config validate/ }, { env });
    const { error } = (await cli(['clone', project, '--json'], { env })).json<{
      error: { facts: { problems: object[] } };
    }>();
    expect(error.facts.problems).toMatchObject([
      { file, line: 3, column: 3, path: 'vm.memry' },
      { file, line: 4, column: 1, path: 'prts' },
    ]);
  });

  const laughs = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [index, name] of [...'bcdefghi'].entries())
    laughs.push(`${name}: &${name} [${`*${'abcdefgh'[index]}, `.repeat(9)}]`);
  it.each<[string, string | Buffer, RegExp]>([
    ['is empty', '', /:1:1 is empty/],
    ['is a comment', '# nothing yet\n', /:1:1 is empty/],
    ['has 10 MB', Buffer.alloc(10 * 1024 ** 2, 'a: 1\n'), /at most 1 MiB/],
    ['is full of anchors', `version: '2'\n${laughs.join('\n')}\n`, /aliases/],
    ['is deep', `version: '2'\nvm: ${'{a: '.repeat(100_000)}`, /nested too deeply/],
    [
      'is in Latin-1',
      Buffer.from("version: '2'\nenvironment: { A: caf\u00e9 }\n", 'latin1'),
      /:2:22 is not UTF-8/,
    ],
    ['is a program', Buffer.from('\x7fELF\0\0\0', 'latin1'), /:1:1 is not text/],
    ['is a list', '- a\n', /:1:1 must be a mapping/],
    ['is no YAML', "version: '2\n", /not valid YAML/],
  ])('%s', async (_, text, says) => {
    config(text);
    const hint = /clonebox (config validate|init)/;
    await fails(['clone', project, '--run'], { ...invalid, says: [says], hint }, { env });
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ['is a directory', (file) => mkdirSync(file), /is a directory, not a file/],
    ['is a link to itself', (file) => symlinkSync('.clonebox.yaml', file), /leads nowhere/],
    ['is a link to nothing', (file) => symlinkSync('gone', file), /leads nowhere/],
    ['is a pipe', (file) => execFileSync('mkfifo', [file]), /is not a file/],
  ])('%s', async (_, make, says) => {
    make(path.join(project, '.clonebox.yaml'));
    before = snapshot(project);
    const failure = { ...invalid, says: [says], hint: /clonebox init/ };
    await fails(['clone', project], failure, { env, timeout: 20_000 });
    await fails(['config', 'validate', project], failure, { env, timeout: 20_000 });
  });

  it('a shared directory that does not exist', async () => {
    config("version: '2'\nshares:\n  - { host: ., guest: same }\n  - { host: nope, guest: /x }\n");
    const says = [`${project}/nope does not exist`];
    await fails(['clone', project], { ...invalid, says, hint: /shares/ }, { env });
  });
});

describe('what reaches outside the project', () => {
  const refused = { exit: 10, code: 'refused' };
  const outside = scratch();

  it.each<[string, string, RegExp]>([
    ['a share', `shares: [{ host: ${outside}, guest: /x }]`, new RegExp(`share: ${outside}`)],
    ['a share through a link', 'shares: [{ host: link, guest: /x }]', new RegExp(outside)],
    ['an image by its path', 'vm: { image: ./disk.qcow2 }', /image: .*disk\.qcow2/],
    [
      'an image by its URL',
      `vm: { image: 'https://example.org/a.qcow2#sha256:${'0'.repeat(64)}' }`,
      /image: https:\/\/example\.org/,
    ],
    ['a port of this host', 'network: { host_ports: [5432] }', /host port: 127\.0\.0\.1:5432/],
  ])('%s is refused without --trust', async (_, line, says) => {
    symlinkSync(outside, path.join(project, 'link'));
    config(`version: '2'\n${line}\n`);
    const failure = { ...refused, says: [says], hint: /--trust/ };
    await fails(['clone', project], failure, { env });
    await fails(['clone', project, '--yes'], failure, { env });
  });

  it('a place of credentials is refused even with --trust', async () => {
    config("version: '2'\nshares: [{ host: ~/.ssh, guest: /x }]\n");
    const user = path.join(area, 'user');
    mkdirSync(path.join(user, '.ssh'), { recursive: true });
    const says = [/\.ssh is never shared: .*credentials/];
    const options = { env: { ...env, HOME: user } };
    const result = await cli(['clone', project, '--trust'], options);
    expect(result.exitCode, result.stderr).toBe(10);
    expect(result.stderr).toMatch(says[0] ?? '');
  });

  it.each([
    ['~', /is your home directory/],
    ['/', /is the whole file system/],
    ['/etc', /is part of the system/],
    ['/home', /is a directory of the system|holds/],
  ])('%s is no project', async (directory, reason) => {
    const user = path.join(area, 'user');
    mkdirSync(user, { recursive: true });
    const says = [/cannot be a project/, reason];
    const options = { env: { ...env, HOME: user } };
    for (const flags of [[], ['--trust', '--yes']]) {
      await fails(
        ['clone', directory, ...flags],
        { ...refused, says, hint: /of its own/ },
        options,
      );
    }
    expect(existsSync(path.join(user, '.clonebox.yaml'))).toBe(false);
  });

  it('a disk that refers to other files is not imported', async () => {
    const make = (...args: string[]) =>
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...args]);
    const at = (name: string) => path.join(project, name);
    make(at('base.qcow2'), '10M');
    make('-F', 'qcow2', '-b', at('base.qcow2'), at('top.qcow2'));
    make('-o', `data_file=${at('data.raw')}`, at('data.qcow2'), '10M');
    give({ 'text.img': 'no disk\n', '.clonebox.yaml': "version: '2'\n" });
    const hint = /must stand alone/;
    for (const [file, reason] of [
      ['top.qcow2', /has a backing file/],
      ['data.qcow2', /has an external data file/],
      ['text.img', /neither a qcow2 nor a raw disk/],
    ] as const) {
      const says = [file, reason];
      await fails(
        ['image', 'import', at(file), '--name', 'x'],
        { ...refused, says, hint },
        { env },
      );
    }
    const says = [/top\.qcow2/, /has a backing file/];
    await fails(
      ['clone', project, '--image', at('top.qcow2')],
      { ...refused, says, hint },
      { env },
    );
    await fails(
      ['image', 'import', at('none.qcow2')],
      { exit: 4, code: 'not-found', says: [/there is no file/], hint: /image list/ },
      { env },
    );
  });
});

describe('a host that cannot', () => {
  const unable = { exit: 6, code: 'host-unable' };
  const debian = "version: '2'\nvm: { image: 'bootstrap:debian:12' }\n";

  it('without QEMU says what to install, and list works on', async () => {
    const bin = path.join(area, 'bin');
    mkdirSync(bin);
    for (const directory of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
      for (const name of readdirSync(directory)) {
        const link = path.join(bin, name);
        if (/^qemu/.test(name) || lstatSync(link, { throwIfNoEntry: false })) continue;
        symlinkSync(path.join(directory, name), link);
      }
    }
    config(debian);
    const options = { env: { ...env, PATH: bin } };
    const says = [/qemu-system-\w+ is not installed/];
    await fails(
      ['clone', project, '--run'],
      { ...unable, says, hint: /apt install qemu.*doctor/ },
      options,
    );
    expect((await ok(['list'], options)).stdout).toMatch(/No VMs yet/);
    const doctor = await cli(['doctor', '--json'], options);
    expect(doctor.exitCode).toBe(6);
    expect(doctor.json()).toMatchObject({
      lines: expect.arrayContaining([
        expect.objectContaining({ verdict: 'problem', detail: expect.stringMatching(/qemu-img/) }),
      ]),
    });
  });

  it.skipIf(noNamespaces)('with KVM that cannot be used takes TCG, and says why', async () => {
    const cpuinfo = path.join(area, 'cpuinfo');
    writeFileSync(cpuinfo, readFileSync('/proc/cpuinfo', 'utf8').replace(/\b(vmx|svm)\b/g, 'none'));
    const acceleration = (mounts: Record<string, string>) =>
      elsewhere(mounts, ['doctor', '--json'])
        .json<{ lines: { check: string; detail: string; verdict: string }[] }>()
        .lines.find((line) => line.check === 'acceleration');
    const there = existsSync('/dev/kvm');
    expect(acceleration({ '/proc/cpuinfo': cpuinfo })).toMatchObject({
      verdict: 'note',
      detail: expect.stringMatching(
        there ? /^TCG.*opens.*neither vmx nor svm/ : /^TCG.*there is no \/dev\/kvm/,
      ),
    });
    if (!there) return;
    // A socket in its place opens as little as a device of another group.
    const closed = path.join(area, 'closed');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(closed, resolve));
    expect(acceleration({ '/dev/kvm': closed })).toMatchObject({
      detail: expect.stringMatching(/^TCG.*may not be opened/),
    });
    server.close();
  });

  it.skipIf(noNamespaces)('without an apt source cannot build an image, and says so', () => {
    config(debian);
    const empty = path.join(area, 'empty');
    mkdirSync(empty);
    const result = elsewhere({ '/etc/apt': empty }, ['clone', project]);
    expect(result.exitCode, result.stderr).toBe(6);
    expect(result.stderr).toMatch(/no apt source of Debian/);
    expect(result.stderr).toMatch(/^hint: .*(sources\.list|debian:12)/m);
  });

  it('whose state directory is a file, or relative', async () => {
    config(debian);
    const file = path.join(area, 'a-file');
    writeFileSync(file, '');
    const says = [/a part of it is a file/];
    const options = { env: { ...env, CLONEBOX_HOME: `${file}/home` } };
    await fails(['clone', project], { ...unable, says, hint: /CLONEBOX_HOME/ }, options);
    await fails(
      ['list'],
      { exit: 2, code: 'usage', says: [/not an absolute path/], hint: /CLONEBOX_HOME|starts with/ },
      { env: { ...env, CLONEBOX_HOME: 'here' } },
    );
  });

  it('with a path too long for sockets keeps them in the temporary directory', async () => {
    const deep = path.join(area, 'h'.repeat(100));
    const temporary = path.join(area, 'tmp');
    mkdirSync(temporary, { recursive: true });
    config("version: '2'\n");
    const options = { env: { ...env, CLONEBOX_HOME: deep, TMPDIR: temporary } };
    // Far enough to take the VM's lock, for which the runtime directory must be there.
    const result = await cli(['clone', project, '--image', 'none-such'], options);
    expect(result.exitCode, result.stderr).toBe(4);
    const [made = ''] = readdirSync(temporary);
    expect(made).toMatch(/^clonebox-\d+-[0-9a-f]{8}$/);
    expect(lstatSync(path.join(temporary, made)).mode & 0o777).toBe(0o700);
    expect(existsSync(path.join(deep, 'run'))).toBe(false);
  });
});

describe('--dry-run', () => {
  const everything = (place: string) => ({
    HOME: path.join(place, 'user'),
    TMPDIR: path.join(place, 'tmp'),
    CLONEBOX_HOME: undefined,
    CLONEBOX_CACHE: undefined,
    XDG_DATA_HOME: undefined,
    XDG_CACHE_HOME: undefined,
    XDG_RUNTIME_DIR: undefined,
  });

  it('writes nothing anywhere, and has the shape that scripts rely on', async () => {
    const place = path.join(area, 'dry');
    for (const name of ['user', 'tmp']) mkdirSync(path.join(place, name), { recursive: true });
    const shop = path.join(place, 'user/shop');
    mkdirSync(shop);
    writeFileSync(path.join(shop, 'package.json'), '{"scripts":{"start":"node server.js"}}');
    const all = snapshot(place);
    const options = { env: everything(place) };
    const { plan } = (await ok(['clone', shop, '--dry-run', '--json'], options)).json<{
      plan: Record<string, unknown>;
    }>();
    expect(plan).toMatchObject({
      vm: { name: 'shop', driver: 'qemu' },
      image: expect.any(String),
      template: { state: expect.any(String) },
      services: expect.any(Array),
      shares: [{ host: shop, guest: shop, mode: 'rw' }],
      ports: expect.any(Array),
      run: expect.any(Array),
      withheld: expect.any(Array),
    });
    const [need] = plan.needs as object[];
    expect(need).toMatchObject({
      name: 'node',
      via: 'apt',
      package: 'nodejs',
      finding: { source: expect.any(String), reason: expect.any(String) },
    });
    expect((await ok(['clone', shop, '--dry-run', '--run'], options)).stdout).toMatch(
      /would be made/,
    );
    expect((await ok(['list', '--json'], options)).json()).toEqual({ vms: [] });
    await ok(['config', 'show', shop], options);
    await cli(['doctor'], options);
    expect(snapshot(place)).toEqual(all);
  });

  it.each([
    'a,b',
    'a b',
    "a'b",
    'a"b',
    'a\nb',
    'a\\b',
    'a$(touch pwned)`touch pwned`',
    'añ漢字',
    '-rf',
    '%s%n',
    ' ends with a space ',
    '\u001b[31mred',
    'a,,b=c:d',
    'long'.repeat(20),
  ])('takes a directory named %j as it is', async (name) => {
    const directory = path.join(project, name);
    mkdirSync(directory);
    before = snapshot(project);
    const { plan } = (
      await ok(['clone', directory, '--dry-run', '--json'], { env, cwd: project })
    ).json<{
      plan: { vm: { name: string }; shares: object[] };
    }>();
    const real = realpathSync(directory);
    expect(plan.shares).toMatchObject([{ host: real, guest: real, mode: 'rw' }]);
    expect(plan.vm.name).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/);
    // Shown to people it cannot move the cursor, change colours or begin a line of its own.
    const people = await ok(['clone', directory, '--dry-run'], { env, cwd: project });
    expect(people.stdout).not.toMatch(/\u001b/);
    expect(people.stdout.split('\n').some((line) => line === 'b')).toBe(false);
  });
});
