import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Image } from '../../src/core/image.ts';
import type { Io, Log, Progress } from '../../src/core/io.ts';
import type { Paths } from '../../src/core/store.ts';
import { createHost } from '../../src/host/local.ts';
import { createImages } from '../../src/images/images.ts';

const reference = 'bootstrap:debian:12';
const isRoot = process.getuid?.() === 0;
const root = path.resolve(import.meta.dirname, '../..');

const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
};

let scratch: string;
let temporary: string;

beforeAll(() => {
  // In the large temporary directory: several gigabytes are written.
  scratch = mkdtempSync(path.join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'cb-boot-'));
  chmodSync(scratch, 0o711);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

beforeEach(() => {
  temporary = mkdtempSync(path.join(scratch, 'tmp-'));
  chmodSync(temporary, 0o711);
});

function pathsIn(cache: string): Paths {
  return {
    cache,
    images: path.join(cache, 'images'),
    downloads: path.join(cache, 'downloads'),
  } as Paths;
}

function hostWithTemporary() {
  return createHost({ ...process.env, TMPDIR: temporary });
}

/** Everything that would still be there if a build had not cleaned up. */
function traces(cache: string): string[] {
  const images = path.join(cache, 'images');
  const files = existsSync(images) ? readdirSync(images) : [];
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(cache) || line.includes(temporary));
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${cache}/images`) || line.includes(temporary));
  return [...files, ...readdirSync(temporary), ...processes, ...mounts];
}

describe('a bootstrapped image', () => {
  let image: Image;
  let disk: string;
  const said: { at: number; progress: Progress }[] = [];

  function io(): Io {
    return {
      signal: new AbortController().signal,
      log: silent,
      emit: (progress) => said.push({ at: Date.now(), progress }),
    };
  }

  // Other tests boot this image: with CLONEBOX_CACHE set, one build serves them all.
  const open = () => {
    const cache = process.env.CLONEBOX_CACHE ?? path.join(scratch, 'cache');
    return createImages({ host: hostWithTemporary(), paths: pathsIn(cache) });
  };

  beforeAll(async () => {
    const started = Date.now();
    image = await open().ensure(reference, io());
    const first = said[0];
    if (first !== undefined) expect(first.at - started).toBeLessThan(2000);
    disk = path.join(scratch, 'disk.raw');
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image.disk, disk]);
  });

  /** A file of the guest, read from its file system without mounting it. */
  function inGuest(file: string): string {
    return execFileSync('/usr/sbin/debugfs', ['-R', `cat ${file}`, disk], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  function existsInGuest(file: string): boolean {
    const argv = ['-R', `stat ${file}`, disk];
    return spawnSync('/usr/sbin/debugfs', argv, { encoding: 'utf8' }).stdout.includes('Inode:');
  }

  test('consists of sealed files whose digests name it', () => {
    const directory = path.dirname(image.disk);
    expect(path.basename(directory)).toBe(image.digest);
    const manifest = JSON.parse(readFileSync(path.join(directory, 'manifest.json'), 'utf8'));
    expect(Object.keys(manifest.files).sort()).toEqual(['disk.qcow2', 'initrd', 'kernel']);
    for (const name of Object.keys(manifest.files)) {
      const file = path.join(directory, name);
      expect(statSync(file).mode & 0o777).toBe(0o400);
      const sum = execFileSync('sha256sum', [file], { encoding: 'utf8' }).split(' ')[0];
      expect(manifest.files[name]).toEqual({ sha256: sum, size: statSync(file).size });
    }
    expect(manifest.facts.kernel).toMatch(/^6\.1\.0-/);
    // The kernel is unpacked at build: a guest without KVM takes seconds for that.
    expect(readFileSync(path.join(directory, 'kernel')).subarray(1, 4).toString()).toBe('ELF');
    expect(manifest.facts.packages['qemu-guest-agent']).toMatch(/^1:7\.2/);
    expect(image).toMatchObject({
      reference,
      setup: 'agent',
      boot: { kind: 'direct', kernel: path.join(directory, 'kernel') },
    });
  });

  test('is a sound file system that will grow', () => {
    execFileSync('/usr/sbin/e2fsck', ['-fn', disk], { stdio: 'pipe' });
    expect(statSync(disk).size).toBe(4 * 1024 ** 3);
    expect(inGuest('/etc/fstab')).toContain('x-systemd.growfs');
  });

  test('has an initial ramdisk of only what a VM needs', () => {
    const { boot } = image;
    const size = boot.kind === 'direct' ? statSync(boot.initrd).size : 0;
    expect(size).toBeGreaterThan(2 * 1024 ** 2);
    expect(size).toBeLessThan(12 * 1024 ** 2);
  });

  test('has no identity: no host keys, no machine-id, no seed', () => {
    expect(inGuest('/etc/machine-id')).toBe('');
    for (const key of ['ed25519', 'rsa', 'ecdsa']) {
      expect(existsInGuest(`/etc/ssh/ssh_host_${key}_key`)).toBe(false);
    }
    expect(existsInGuest('/var/lib/systemd/random-seed')).toBe(false);
    expect(existsInGuest('/etc/ssh/sshd_config')).toBe(true);
    expect(inGuest('/etc/hostname')).toBe('clonebox\n');
  });

  test('has the apt sources of this machine, and only signed ones', () => {
    const lines = inGuest('/etc/apt/sources.list').split('\n').filter(Boolean);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/^deb \[.*signed-by=\S+\] https?:\S+ bookworm/);
  });

  test('belongs to root in the guest, whoever built it', () => {
    const stat = execFileSync('/usr/sbin/debugfs', ['-R', 'stat /usr/bin/sudo', disk], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(stat).toMatch(/Mode:\s+04755/);
    expect(stat).toMatch(/User:\s+0\s+Group:\s+0\b/);
  });

  test('is not made a second time', async () => {
    said.length = 0;
    const started = Date.now();
    expect(await open().ensure(reference, io())).toEqual(image);
    expect(Date.now() - started).toBeLessThan(1000);
    expect(said).toEqual([]);
  });
});

describe('a build that does not finish', () => {
  test('on Ctrl-C ends every process and leaves nothing', async () => {
    const cache = path.join(scratch, 'interrupted');
    const stop = new AbortController();
    const building = createImages({ host: hostWithTemporary(), paths: pathsIn(cache) }).ensure(
      reference,
      {
        signal: stop.signal,
        log: silent,
        emit: (progress) => {
          if (progress.kind === 'detail' && /^unpacking 1[0-9] /.test(progress.text)) {
            expect(traces(cache)).not.toEqual([]);
            stop.abort(new Error('^C'));
          }
        },
      },
    );
    await expect(building).rejects.toThrow('^C');
    expect(traces(cache)).toEqual([]);
  });

  describe('for want of room', () => {
    let small: string;

    beforeEach(({ skip }) => {
      if (!isRoot) skip('mounting a small file system needs root');
      small = mkdtempSync(path.join(scratch, 'small-'));
      const argv = ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', small];
      const mount = spawnSync('mount', argv, { encoding: 'utf8' });
      if (mount.status !== 0) skip(`cannot mount a tmpfs: ${mount.stderr}`);
    });

    afterEach(() => {
      if (isRoot) spawnSync('umount', [small]);
    });

    const quiet = (): Io => ({
      signal: new AbortController().signal,
      log: silent,
      emit: () => {},
    });

    test('is refused before it starts', async () => {
      const cache = path.join(small, 'cache');
      const images = createImages({ host: hostWithTemporary(), paths: pathsIn(cache) });
      await expect(images.ensure(reference, quiet())).rejects.toMatchObject({
        code: 'host-unable',
        message: expect.stringContaining('disk full'),
        facts: { directory: expect.any(String), free: expect.any(Number), needed: 3 * 1024 ** 3 },
      });
      expect(traces(cache)).toEqual([]);
    });

    test('says so when the room runs out midway, and leaves nothing', async () => {
      const cache = path.join(small, 'cache');
      const real = hostWithTemporary();
      // The room is taken by someone else after the look at the start.
      let looks = 0;
      const freeBytes = async (directory: string) =>
        looks++ < 2 ? 1024 ** 4 : real.files.freeBytes(directory);
      const host = { ...real, files: { ...real.files, freeBytes } };
      const images = createImages({ host, paths: pathsIn(cache) });
      await expect(images.ensure(reference, quiet())).rejects.toMatchObject({
        code: 'host-unable',
        message: expect.stringContaining('disk full'),
      });
      expect(traces(cache)).toEqual([]);
    });
  });
});

const driver = `
import { createHost } from './src/host/local.ts';
import { createImages } from './src/images/images.ts';
const [cache, stopAt] = process.argv.slice(2);
const host = createHost();
const images = createImages({
  host,
  paths: { cache, images: cache + '/images', downloads: cache + '/downloads' },
});
const stop = new AbortController();
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const emit = (progress) => {
  if (stopAt && progress.text?.startsWith(stopAt)) stop.abort(new Error('stopped'));
};
try {
  const image = await images.ensure('${reference}', { signal: stop.signal, log, emit });
  console.log(JSON.stringify(image));
} catch (error) {
  console.log(JSON.stringify({ error: error.message, facts: error.facts }));
}
`;

describe('a user who is not root', () => {
  const name = `cbt${process.pid}`;
  let home: string;
  let reason: string | undefined;

  beforeAll(async () => {
    if (!isRoot) {
      reason = 'making a throwaway user needs root';
      return;
    }
    home = path.join(scratch, 'home');
    const added = spawnSync('useradd', ['-M', '-d', home, '-s', '/bin/sh', name], {
      encoding: 'utf8',
    });
    if (added.status !== 0) {
      reason = `no throwaway user: ${added.stderr}`;
      return;
    }
    mkdirSync(home);
    const outfile = path.join(home, 'driver.mjs');
    writeFileSync(outfile, '');
    await build({
      stdin: { contents: driver, resolveDir: root, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      logLevel: 'error',
    });
    execFileSync('chown', ['-R', `${name}:`, home]);
    chmodSync(home, 0o750);
    const namespace = asUser(['unshare', '--map-auto', '--map-root-user', 'true']);
    if (namespace.status !== 0) reason = `no user namespaces here: ${namespace.stderr}`;
  });

  afterAll(() => {
    if (isRoot) spawnSync('userdel', [name]);
  });

  function asUser(argv: string[]) {
    const path = process.env.PATH;
    const env = ['env', '-i', `HOME=${home}`, `PATH=${path}`, `TMPDIR=${temporary}`];
    const user = ['--reuid', name, '--regid', name, '--init-groups'];
    return spawnSync('setpriv', [...user, ...env, ...argv], { encoding: 'utf8', cwd: '/' });
  }

  beforeEach(({ skip }) => {
    if (reason !== undefined) skip(reason);
    chmodSync(temporary, 0o777);
  });

  test('interrupted leaves nothing of the subordinate users', () => {
    const cache = path.join(home, 'stopped');
    const run = asUser([process.execPath, path.join(home, 'driver.mjs'), cache, 'unpacking 1']);
    expect(JSON.parse(run.stdout)).toMatchObject({ error: 'stopped' });
    expect(traces(cache)).toEqual([]);
  });

  test('builds the same kind of image, with files of the guest’s root', () => {
    const cache = path.join(home, 'cache');
    const run = asUser([process.execPath, path.join(home, 'driver.mjs'), cache]);
    const image = JSON.parse(run.stdout);
    expect(image).toMatchObject({ reference, setup: 'agent', boot: { kind: 'direct' } });
    expect(traces(cache)).toEqual([image.digest]);
    const disk = path.join(scratch, 'user.raw');
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image.disk, disk]);
    execFileSync('/usr/sbin/e2fsck', ['-fn', disk], { stdio: 'pipe' });
    const stat = execFileSync('/usr/sbin/debugfs', ['-R', 'stat /usr/bin/sudo', disk], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(stat).toMatch(/Mode:\s+04755/);
    expect(stat).toMatch(/User:\s+0\s+Group:\s+0\b/);
    rmSync(disk);
  });
});
