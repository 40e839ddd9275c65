import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cache, cli, freshHome, ok, scratch } from './support/cli.ts';
import {
  configure,
  copyTree,
  type Made,
  onlyTemplate,
  ownCache,
  type TemplateLine,
} from './support/templates.ts';

// How a VM comes to be when the fastest way is not open, or is not wanted: never an error, and always with the reason.

const home = freshHome();
const area = scratch();
const pristine = scratch();
let own: string;
let env: { CLONEBOX_HOME: string; CLONEBOX_CACHE: string };
let key: string;

/** The machine that other tests have too: its template is in the cache that they share. */
const plain = { cpus: 2, vm: 'memory: 1G' };

const project = (name: string, more = '') => configure(area, name, { ...plain, more });

async function clone(name: string, words: readonly string[] = [], more = ''): Promise<Made> {
  const line = ['clone', project(name, more), '--run', '--no-wait', '--trust', '--json', ...words];
  const made = (await ok(line, { env })).json<Made & Record<string, unknown>>();
  expect((await ok(['exec', name, '--', 'hostname'], { env })).stdout.trim()).toBe(name);
  return made;
}

const purge = (name: string) => ok(['delete', name, '--purge', '--yes'], { env });

/** Makes the template what it was. No VM may stand on it. */
function restore(): void {
  rmSync(path.join(own, 'templates'), { recursive: true, force: true });
  mkdirSync(path.join(own, 'templates'), { mode: 0o700 });
  copyTree(path.join(pristine, key), path.join(own, 'templates', key));
}

/** Where the files of the only memory are. */
function memoryPlace(): string {
  const directory = path.join(own, 'templates', key, 'warm');
  const [only = '', ...others] = readdirSync(directory);
  expect(others).toEqual([]);
  return path.join(directory, only);
}

beforeAll(async () => {
  own = await ownCache();
  env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: own };
  const shared = { CLONEBOX_HOME: home, CLONEBOX_CACHE: cache };
  const line = ['template', 'build', project('plain'), '--json'];
  const { template } = (await ok(line, { env: shared })).json<{ template: TemplateLine }>();
  key = template.key;
  const copy = path.join(pristine, key);
  copyTree(path.join(cache, 'templates', key), copy);
  // Others may have kept the memory of other machines.
  const ours = template.warm.find(({ usable, shape }) => {
    return usable && shape.cpus === plain.cpus && shape.memory === 1024 ** 3;
  });
  for (const one of readdirSync(path.join(copy, 'warm')))
    if (one !== ours?.key) rmSync(path.join(copy, 'warm', one), { recursive: true });
  restore();
});

/** As many live shares, each with a file that says which it is; returns the lines of the project's file. */
function liveShares(name: string, count: number): string {
  const names = Array.from({ length: count }, (_, index) => `share-${index}`);
  for (const one of names) {
    mkdirSync(path.join(area, name, one), { recursive: true });
    writeFileSync(path.join(area, name, one, 'mine'), `${one}\n`);
  }
  const shares = names.map((one) => `{ host: ${one}, guest: /mnt/${one} }`);
  return `shares: [${shares.join(', ')}]\n`;
}

const sharesOf = async (name: string) =>
  (await ok(['exec', name, '--', 'sh', '-c', 'cat /mnt/*/mine'], { env })).stdout;

describe('a VM goes on from the memory of its template', () => {
  it('and says how long that took', async () => {
    const { path: way, pathReason, timings } = await clone('fast');
    expect([way, pathReason]).toEqual(['warm', 'the memory of its template was kept']);
    expect(timings.t_agent).toBeGreaterThan(0);
    expect(timings.t_command).toBeGreaterThanOrEqual(timings.t_agent ?? Number.POSITIVE_INFINITY);
    await purge('fast');
  });

  it('with four live shares too', async () => {
    expect((await clone('four', [], liveShares('four', 4))).path).toBe('warm');
    expect(await sharesOf('four')).toBe('share-0\nshare-1\nshare-2\nshare-3\n');
    await purge('four');
  });
});

describe('a VM boots, and says why', () => {
  it('when a boot is wanted, and when the file says so', async () => {
    const made = await Promise.all([
      clone('cold', ['--cold']),
      clone('never', [], 'templates: { warm: false }\n'),
    ]);
    expect(made.map((one) => [one.path, one.pathReason])).toEqual([
      ['disk', 'a boot was wanted (--cold)'],
      ['disk', 'templates.warm is false'],
    ]);
    await Promise.all([purge('cold'), purge('never')]);
  });

  it('when no template is wanted, and when it has more live shares than a kept machine has slots', async () => {
    const made = await Promise.all([
      clone('bare', ['--no-template']),
      clone('five', [], liveShares('five', 5)),
    ]);
    expect(made.map((one) => [one.path, one.pathReason])).toEqual([
      ['cold', 'no template was wanted (--no-template)'],
      ['disk', '5 live shares, and a kept machine has 4 slots'],
    ]);
    expect(await sharesOf('five')).toBe('share-0\nshare-1\nshare-2\nshare-3\nshare-4\n');
    await Promise.all([purge('bare'), purge('five')]);
  });
});

/** Changes one byte in the middle of a file, and nothing of its size. */
function flip(file: string): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  const middle = Math.floor(statSync(file).size / 2);
  readSync(descriptor, byte, 0, 1, middle);
  writeSync(descriptor, Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, middle);
  closeSync(descriptor);
}

describe('a memory that is damaged', () => {
  const reason = (why: string) => `the memory of its template was damaged: ${why}`;

  afterEach(() => purge('hurt'));

  it.each<[string, string, (directory: string) => void]>([
    [
      'a byte of its RAM is another',
      'ram has another digest than when it was stored',
      (at) => flip(`${at}/ram`),
    ],
    [
      'a byte of its state is another',
      'state has another digest than when it was stored',
      (at) => flip(`${at}/state`),
    ],
    [
      'its RAM was cut',
      'ram has 4096 bytes and not 1073741824',
      (at) => truncateSync(`${at}/ram`, 4096),
    ],
    ['its state is missing', 'state is missing', (at) => rmSync(`${at}/state`)],
  ])('is not gone on from: %s. The VM boots', async (_, why, ruin) => {
    restore();
    ruin(memoryPlace());
    const made = await clone('hurt');
    expect([made.path, made.pathReason]).toEqual(['disk', reason(why)]);
    expect((await onlyTemplate(env)).warm).toEqual([]);
  });

  it('is kept anew for the next VM, which goes on from it', async () => {
    expect((await onlyTemplate(env)).warm).toEqual([]);
    const said = await cli(['clone', project('hurt'), '--run', '--no-wait', '--json'], { env });
    expect(said.stderr).toContain('Keeping its memory');
    expect(said.json<Made & Record<string, unknown>>().path).toBe('warm');
    expect((await onlyTemplate(env)).warm).toMatchObject([{ usable: true, usedBy: ['hurt'] }]);
  });
});

describe('after an upgrade of QEMU', () => {
  it('the memory is of no use and kept anew, the disk stays, and pruning removes the old memory alone', async () => {
    restore();
    const disk = () => statSync(path.join(own, 'templates', key, 'disk.qcow2'));
    const before = disk();
    const [old] = (await onlyTemplate(env)).warm;
    expect(old?.usable).toBe(true);

    const upgraded = { ...env, PATH: `${upgradedQemu()}:${process.env.PATH}` };
    expect((await onlyTemplate(upgraded)).warm).toMatchObject([{ key: old?.key, usable: false }]);
    const line = ['clone', project('later'), '--run', '--no-wait', '--json'];
    const made = await ok(line, { env: upgraded });
    expect(made.json<Made & Record<string, unknown>>().path).toBe('warm');
    expect(made.stderr).toContain('Keeping its memory');
    expect(made.stderr).not.toContain('Making the user');
    expect((await onlyTemplate(upgraded)).warm).toHaveLength(2);

    await ok(['template', 'prune'], { env: upgraded });
    const { warm } = await onlyTemplate(upgraded);
    expect(warm).toMatchObject([{ usable: true, usedBy: ['later'] }]);
    expect(warm[0]?.key).not.toBe(old?.key);
    expect([disk().mtimeMs, disk().size]).toEqual([before.mtimeMs, before.size]);
    await purge('later');
  });
});

/** A directory for the PATH with a QEMU that says it is another build, and is not. */
function upgradedQemu(): string {
  const directory = scratch();
  const program = execFileSync('which', ['qemu-system-x86_64'], { encoding: 'utf8' }).trim();
  const build = execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
  const next = build.replace(/[\w.]+\)?$/, (end) => `next-${end}`);
  expect(next).not.toBe(build);
  const script = `#!/bin/sh\n[ "$1" != --version ] || { echo '${next}'; exit; }\nexec ${program} "$@"\n`;
  writeFileSync(path.join(directory, path.basename(program)), script, { mode: 0o755 });
  return directory;
}
