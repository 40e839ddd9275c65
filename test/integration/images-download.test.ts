import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../../src/core/host.ts';
import type { Images } from '../../src/core/image.ts';
import type { Io, Log, Progress } from '../../src/core/io.ts';
import type { Paths } from '../../src/core/store.ts';
import { createHost } from '../../src/host/local.ts';
import { createImages } from '../../src/images/images.ts';
import { type ImageServer, type Served, startImageServer } from '../fixtures/image-server.ts';

const debianDir = '/cloud.debian.org/images/cloud/bookworm/latest';
const debianFile = `${debianDir}/debian-12-generic-amd64.qcow2`;
const ubuntuDir = '/cloud-images.ubuntu.com/releases/noble/release';
const ubuntuFile = `${ubuntuDir}/ubuntu-24.04-server-cloudimg-amd64.img`;

const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
};

let scratch: string;
let cache: string;
let server: ImageServer;
let disk: Buffer;
let other: Buffer;
let keyring: string;
let gnupg: string;
let said: Progress[];

/** A small disk with random content, as a qcow2. */
function makeDisk(name: string, format = 'qcow2'): string {
  const raw = path.join(scratch, `${name}.raw`);
  const content = randomBytes(3 * 1024 * 1024);
  content.writeUInt16BE(0x55aa, 510);
  writeFileSync(raw, content);
  const made = path.join(scratch, `${name}.${format}`);
  if (format !== 'raw') {
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, made]);
    rmSync(raw);
  }
  return made;
}

function gpg(...argv: string[]): void {
  const options = ['--homedir', gnupg, '--batch', '--quiet', '--yes', '--passphrase', ''];
  execFileSync('gpg', [...options, ...argv], { stdio: 'pipe' });
}

function digest(algorithm: 'sha256' | 'sha512', content: Buffer): string {
  return createHash(algorithm).update(content).digest('hex');
}

function serveDebian(content: Buffer, served: Partial<Served> = {}): Served {
  const file: Served = {
    body: content,
    etag: `"${digest('sha256', content).slice(0, 8)}"`,
    ...served,
  };
  const sums = `${digest('sha512', content)}  debian-12-generic-amd64.qcow2\n`;
  server.files.set(debianFile, file);
  server.files.set(`${debianDir}/SHA512SUMS`, { body: Buffer.from(sums) });
  return file;
}

function serveUbuntu(content: Buffer, signer = 'good@example.org'): void {
  const sums = path.join(scratch, 'SHA256SUMS');
  writeFileSync(sums, `${digest('sha256', content)} *ubuntu-24.04-server-cloudimg-amd64.img\n`);
  gpg('--local-user', signer, '--output', `${sums}.gpg`, '--detach-sign', sums);
  server.files.set(ubuntuFile, { body: content, etag: '"u1"' });
  server.files.set(`${ubuntuDir}/SHA256SUMS`, { body: readFileSync(sums) });
  server.files.set(`${ubuntuDir}/SHA256SUMS.gpg`, { body: readFileSync(`${sums}.gpg`) });
}

function pathsIn(directory: string): Paths {
  return {
    cache: directory,
    images: path.join(directory, 'images'),
    downloads: path.join(directory, 'downloads'),
  } as Paths;
}

/** Images below `cache` from the loopback server; long pauses between attempts are cut short. */
function open(options: { env?: Record<string, string>; patient?: boolean } = {}): Images {
  const env = { ...process.env, CLONEBOX_IMAGE_MIRROR: server.url, ...options.env };
  const real = createHost(env);
  const sleep: Host['sleep'] = (time, signal) => real.sleep(Math.min(time, 60), signal);
  const host = options.patient ? real : { ...real, sleep };
  return createImages({ host, paths: pathsIn(cache) });
}

function io(signal = new AbortController().signal): Io {
  return { signal, log: silent, emit: (progress) => said.push(progress) };
}

function left(): string[] {
  return ['images', 'downloads'].flatMap((name) => {
    const directory = path.join(cache, name);
    return existsSync(directory) ? readdirSync(directory) : [];
  });
}

beforeAll(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'cb-images-'));
  disk = readFileSync(makeDisk('one'));
  other = readFileSync(makeDisk('two'));
  gnupg = path.join(scratch, 'gnupg');
  mkdirSync(gnupg, { mode: 0o700 });
  gpg('--quick-gen-key', 'good@example.org', 'ed25519', 'sign', 'never');
  keyring = path.join(scratch, 'keyring.gpg');
  gpg('--output', keyring, '--export', 'good@example.org');
  gpg('--quick-gen-key', 'stranger@example.org', 'ed25519', 'sign', 'never');
});

afterAll(() => {
  execFileSync('gpgconf', ['--homedir', gnupg, '--kill', 'all']);
  rmSync(scratch, { recursive: true, force: true });
});

beforeEach(async () => {
  server = await startImageServer();
  cache = mkdtempSync(path.join(scratch, 'cache-'));
  said = [];
});

afterEach(() => server.close());

describe('a download', () => {
  test('arrives whole, verified, sealed and with progress', async () => {
    serveDebian(disk);
    const image = await open().ensure('debian:12', io());

    expect(readFileSync(image.disk).equals(disk)).toBe(true);
    expect(image).toMatchObject({ boot: { kind: 'firmware' }, setup: 'cloud-init' });
    expect(statSync(image.disk).mode & 0o777).toBe(0o400);
    const directory = path.dirname(image.disk);
    expect(path.basename(directory)).toBe(image.digest);
    const manifest = JSON.parse(readFileSync(path.join(directory, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({
      version: 1,
      source: 'catalogue',
      files: { 'disk.qcow2': { sha256: digest('sha256', disk), size: disk.length } },
      facts: { vendorDigest: digest('sha512', disk), signature: 'the vendor signs none' },
    });
    expect(image.digest).toBe(digest('sha256', Buffer.from(`${digest('sha256', disk)}\n`)));
    expect(said).toContainEqual({
      kind: 'transfer',
      what: 'debian:12',
      done: disk.length,
      total: disk.length,
    });
    expect(left()).toEqual([image.digest]);
  });

  test('is made once and then only looked at', async () => {
    serveDebian(disk);
    const images = open();
    const first = await images.ensure('debian:12', io());
    const asked = server.seen.length;
    said = [];
    expect(await images.ensure('debian:12', io())).toEqual(first);
    expect(server.seen.length).toBe(asked);
    expect(said).toEqual([]);
  });

  test('that was cut at 40 % goes on from there and fetches no byte twice', async () => {
    const after = Math.floor(disk.length * 0.4);
    serveDebian(disk, { cut: { at: after, times: 1 } });
    const image = await open().ensure('debian:12', io());

    expect(readFileSync(image.disk).equals(disk)).toBe(true);
    const [first, second, ...more] = server.asked(debianFile);
    expect(first).toMatchObject({ status: 200, range: undefined });
    expect(second).toMatchObject({ status: 206, range: `bytes=${after}-` });
    expect(more).toEqual([]);
    expect((first?.sent ?? 0) + (second?.sent ?? 0)).toBe(disk.length);
  });

  test('goes on in a later run, after an interruption', async () => {
    const served = serveDebian(disk, { cut: { at: 1_000_000, times: 1000 } });
    const stop = new AbortController();
    const running = open().ensure('debian:12', {
      ...io(stop.signal),
      emit: (progress) => {
        if (progress.kind === 'transfer' && progress.done >= 1_000_000) stop.abort(new Error('^C'));
      },
    });
    await expect(running).rejects.toThrow('^C');
    expect(readdirSync(path.join(cache, 'images'))).toEqual([]);
    served.cut = undefined;
    server.seen.length = 0;
    await open().ensure('debian:12', io());
    expect(server.asked(debianFile)).toHaveLength(1);
    expect(server.asked(debianFile)[0]?.range).toMatch(/^bytes=\d{6,}-$/);
  });

  test('starts anew when the file has changed in between', async () => {
    serveDebian(disk, { cut: { at: 1_000_000, times: 1000 } });
    await expect(open().ensure('debian:12', io())).rejects.toMatchObject({ code: 'host-unable' });
    server.seen.length = 0;
    serveDebian(other);
    const image = await open().ensure('debian:12', io());

    expect(readFileSync(image.disk).equals(other)).toBe(true);
    expect(server.asked(debianFile)).toMatchObject([{ status: 200 }]);
    expect(server.asked(debianFile)[0]?.range).toBeDefined();
  });

  test('notices a change that a server without If-Range hides', async () => {
    const served = serveDebian(disk, { etag: 'W/"1"', cut: { at: 1_000_000, times: 1000 } });
    await expect(open().ensure('debian:12', io())).rejects.toMatchObject({ code: 'host-unable' });
    serveDebian(other, { etag: 'W/"2"' });
    expect(served.etag).toBe('W/"1"');
    const image = await open().ensure('debian:12', io());
    expect(readFileSync(image.disk).equals(other)).toBe(true);
  });

  test('takes the checksums again when the vendor publishes while it runs', async () => {
    serveDebian(disk);
    const images = open();
    const sums = `${debianDir}/SHA512SUMS`;
    const late = `${digest('sha512', other)}  debian-12-generic-amd64.qcow2\n`;
    const publish: Io = {
      ...io(),
      emit: (progress) => {
        if (progress.kind !== 'transfer') return;
        server.files.set(sums, { body: Buffer.from(late) });
      },
    };
    server.files.set(debianFile, { body: other, etag: '"new"' });
    const image = await images.ensure('debian:12', publish);
    expect(readFileSync(image.disk).equals(other)).toBe(true);
    expect(server.asked(sums)).toHaveLength(2);
  });

  test('from a server without ranges starts anew after a cut', async () => {
    serveDebian(disk, { ranges: false, cut: { at: 1_000_000, times: 1 } });
    const image = await open().ensure('debian:12', io());
    expect(readFileSync(image.disk).equals(disk)).toBe(true);
    expect(server.asked(debianFile)).toMatchObject([{ status: 200 }, { status: 200 }]);
  });

  test('without ETag and Last-Modified is never joined from two halves', async () => {
    serveDebian(disk, { etag: undefined, cut: { at: 1_000_000, times: 1 } });
    await open().ensure('debian:12', io());
    expect(server.asked(debianFile).map(({ range }) => range)).toEqual([undefined, undefined]);
  });

  test('that is complete already only asks (416) and is used', async () => {
    const lastModified = 'Sun, 01 Nov 2026 00:00:00 GMT';
    const served = serveDebian(disk, { etag: undefined, lastModified, chunked: true });
    const stop = new AbortController();
    const stopAtEnd = (progress: Progress): void => {
      if (progress.kind === 'detail' && progress.text === 'checking the digest') {
        stop.abort(new Error('^C'));
      }
    };
    const running = open().ensure('debian:12', { ...io(stop.signal), emit: stopAtEnd });
    await expect(running).rejects.toThrow();
    served.chunked = false;
    server.seen.length = 0;
    await open().ensure('debian:12', io());
    expect(server.asked(debianFile)).toMatchObject([{ status: 416 }]);
  });

  test('survives a server that is busy for a moment', async () => {
    serveDebian(disk, { status: { code: 503, times: 2 } });
    await open().ensure('debian:12', io());
    expect(server.asked(debianFile).map(({ status }) => status)).toEqual([503, 503, 200]);
  });

  test('that is not there fails at once and names the status', async () => {
    serveDebian(disk);
    server.files.delete(debianFile);
    await expect(open().ensure('debian:12', io())).rejects.toMatchObject({
      code: 'host-unable',
      facts: expect.objectContaining({ status: 404 }),
    });
    expect(server.asked(debianFile)).toHaveLength(1);
    expect(left()).toEqual([]);
  });

  test('that is cut for good gives up, and keeps its part for the next time', async () => {
    serveDebian(disk, { cut: { at: 1_000_000, times: 1000 } });
    await expect(open().ensure('debian:12', io())).rejects.toMatchObject({
      code: 'host-unable',
      facts: expect.objectContaining({ have: 1_000_000 }),
    });
    expect(server.asked(debianFile)).toHaveLength(6);
    const [part, origin, ...more] = left();
    expect(statSync(path.join(cache, 'downloads', part ?? '')).size).toBe(1_000_000);
    expect(origin).toBe(`${part}.json`);
    expect(more).toEqual([]);
  });

  test('with wrong content is refused and removed', async () => {
    const damaged = Buffer.from(disk);
    damaged.writeUInt8(damaged.readUInt8(2_000_000) ^ 1, 2_000_000);
    const served = serveDebian(disk);
    served.body = damaged;
    await expect(open().ensure('debian:12', io())).rejects.toMatchObject({
      code: 'refused',
      facts: { wanted: digest('sha512', disk), found: digest('sha512', damaged) },
    });
    expect(left()).toEqual([]);
  });

  test('that two ask for at once is made by one, and the other says that it waits', async () => {
    serveDebian(disk, { delay: 400 });
    const [one, two] = await Promise.all([
      open().ensure('debian:12', io()),
      open().ensure('debian:12', io()),
    ]);
    expect(one).toEqual(two);
    expect(server.asked(debianFile)).toHaveLength(1);
    expect(said).toContainEqual({
      kind: 'note',
      text: 'another process is building it; waiting',
    });
  });

  test('of an unknown release is not found', async () => {
    await expect(open().ensure('debian:7', io())).rejects.toMatchObject({ code: 'not-found' });
    expect(server.seen).toEqual([]);
  });
});

describe('a signed checksum file', () => {
  const env = () => ({ CLONEBOX_IMAGE_KEYRING: keyring });

  test('is checked with the keyring', async () => {
    serveUbuntu(disk);
    const image = await open({ env: env() }).ensure('ubuntu:24.04', io());
    const manifest = readFileSync(path.join(path.dirname(image.disk), 'manifest.json'), 'utf8');
    expect(JSON.parse(manifest).facts.signature).toBe(`good, by ${keyring}`);
    expect(readdirSync(path.dirname(image.disk)).sort()).toEqual([
      'disk.qcow2',
      'manifest.json',
      'references.json',
      'verified.json',
    ]);
  });

  test('with a signature of someone else is refused before the image is fetched', async () => {
    serveUbuntu(disk, 'stranger@example.org');
    await expect(open({ env: env() }).ensure('ubuntu:24.04', io())).rejects.toMatchObject({
      code: 'refused',
    });
    expect(server.asked(ubuntuFile)).toEqual([]);
    expect(left()).toEqual([]);
  });

  test('that was changed after it was signed is refused', async () => {
    serveUbuntu(disk);
    const sums = `${digest('sha256', other)} *ubuntu-24.04-server-cloudimg-amd64.img\n`;
    server.files.set(`${ubuntuDir}/SHA256SUMS`, { body: Buffer.from(sums) });
    await expect(open({ env: env() }).ensure('ubuntu:24.04', io())).rejects.toMatchObject({
      code: 'refused',
    });
  });

  test('without its signature is refused a use', async () => {
    serveUbuntu(disk);
    server.files.delete(`${ubuntuDir}/SHA256SUMS.gpg`);
    await expect(open({ env: env() }).ensure('ubuntu:24.04', io())).rejects.toMatchObject({
      code: 'host-unable',
    });
  });
});

describe('a URL', () => {
  test('is fetched when its digest is right', async () => {
    server.files.set('/d.qcow2', { body: disk, etag: '"x"' });
    const reference = `${server.url}/d.qcow2#sha256:${digest('sha256', disk)}`;
    const image = await open().ensure(reference, io());
    expect(image.reference).toBe(reference);
    expect(readFileSync(image.disk).equals(disk)).toBe(true);
  });

  test('is refused when its digest is another', async () => {
    server.files.set('/d.qcow2', { body: disk, etag: '"x"' });
    const reference = `${server.url}/d.qcow2#sha256:${digest('sha256', other)}`;
    await expect(open().ensure(reference, io())).rejects.toMatchObject({ code: 'refused' });
    expect(left()).toEqual([]);
  });
});

describe('an imported disk', () => {
  test('is copied, found by name, path and digest, and imported again when it has changed', async () => {
    const file = path.join(cache, 'mine.qcow2');
    writeFileSync(file, disk);
    const images = open();
    const named = await images.importFile(file, io(), { name: 'mine' });
    const byPath = await images.ensure(file, io());
    expect(byPath).toEqual({ ...named, reference: file });
    expect(await images.find('mine')).toEqual(named);
    expect(await images.find(named.digest.slice(0, 6))).toMatchObject({ digest: named.digest });
    expect(await images.find(`sha256:${named.digest}`)).toMatchObject({ digest: named.digest });
    expect(await images.find(named.digest.slice(0, 5))).toBeUndefined();
    expect(await images.list()).toHaveLength(1);

    writeFileSync(file, other);
    expect((await images.ensure(file, io())).digest).not.toBe(named.digest);
    expect((await images.ensure('mine', io())).digest).toBe(named.digest);
    rmSync(file);
    expect((await images.ensure(file, io())).digest).not.toBe(named.digest);
  });

  test('may be raw: it becomes a qcow2 of the same content', async () => {
    const raw = makeDisk('raw', 'raw');
    const image = await open().importFile(raw, io(), {});
    execFileSync('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', raw, image.disk]);
    expect(readFileSync(image.disk).readUInt32BE(0)).toBe(0x514649fb);
  });

  test('with the digest that was promised is taken, else refused', async () => {
    const file = path.join(cache, 'd.qcow2');
    writeFileSync(file, disk);
    const good = `sha256:${digest('sha256', disk)}`;
    await open().importFile(file, io(), { digest: good });
    const wrong = `sha256:${digest('sha256', other)}`;
    await expect(open().importFile(file, io(), { digest: wrong })).rejects.toMatchObject({
      code: 'refused',
    });
  });

  test.each([
    ['a backing file', ['-b', '/etc/passwd', '-F', 'raw', '-u'], '1M'],
    ['an external data file', ['-o', 'data_file=DATA'], '1M'],
  ])('with %s is refused', async (what, options, size) => {
    const file = path.join(cache, 'bad.qcow2');
    const argv = options.map((option) => option.replace('DATA', path.join(cache, 'data.raw')));
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...argv, file, size]);
    const importing = open().importFile(file, io(), {});
    await expect(importing).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(what),
    });
    await expect(importing).rejects.toThrow(file);
    expect(readdirSync(path.join(cache, 'images'))).toEqual([]);
  });

  test.each([
    ['text', Buffer.from('hello\n'.repeat(1000))],
    ['an empty file', Buffer.alloc(0)],
    ['a cut qcow2 header', Buffer.from('514649fb00000003', 'hex')],
  ])('that is %s is refused', async (_, content) => {
    const file = path.join(cache, 'bad.img');
    writeFileSync(file, content);
    await expect(open().importFile(file, io(), {})).rejects.toMatchObject({ code: 'refused' });
  });

  test('in another format is refused', async () => {
    const vmdk = makeDisk('other', 'vmdk');
    await expect(open().importFile(vmdk, io(), {})).rejects.toMatchObject({ code: 'refused' });
  });

  test('that is damaged inside is refused', async () => {
    const file = path.join(cache, 'damaged.qcow2');
    const content = Buffer.from(disk);
    // The level 1 table entry of the disk points far beyond the end of the file.
    const table = Number(content.readBigUInt64BE(40));
    content.writeBigUInt64BE(0x8000_0fff_ffff_0000n, table);
    writeFileSync(file, content);
    await expect(open().importFile(file, io(), {})).rejects.toMatchObject({ code: 'refused' });
  });

  test('that is not there is not found, and neither is an unknown name', async () => {
    await expect(open().ensure('/no/such/disk.qcow2', io())).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(open().ensure('nobody', io())).rejects.toMatchObject({ code: 'not-found' });
    expect(await open().find('nobody')).toBeUndefined();
  });
});

describe('a flipped byte', () => {
  function flip(file: string): void {
    chmodSync(file, 0o600);
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.from([readFileSync(file).readUInt8(1_500_000) ^ 1]), 0, 1, 1_500_000);
  }

  test('is noticed before use, and pull makes it good again', async () => {
    serveDebian(disk);
    const images = open();
    const image = await images.ensure('debian:12', io());
    flip(image.disk);
    await expect(images.ensure('debian:12', io())).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(image.disk),
      hint: expect.stringContaining('clonebox image pull debian:12'),
    });
    const again = await images.pull('debian:12', io());
    expect(again.digest).toBe(image.digest);
    expect(readFileSync(again.disk).equals(disk)).toBe(true);
    await images.ensure('debian:12', io());
  });

  test('is not there when only the time changed: the digest decides', async () => {
    serveDebian(disk);
    const images = open();
    const image = await images.ensure('debian:12', io());
    rmSync(path.join(path.dirname(image.disk), 'verified.json'));
    said = [];
    await images.ensure('debian:12', io());
    expect(said).toMatchObject([{ kind: 'phase', id: 'image-verify' }]);
    said = [];
    await images.ensure('debian:12', io());
    expect(said).toEqual([]);
  });

  test('in a file of another size is noticed without a digest', async () => {
    serveDebian(disk);
    const images = open();
    const image = await images.ensure('debian:12', io());
    rmSync(image.disk);
    await expect(images.ensure('debian:12', io())).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('pull', () => {
  test('makes a new image; the older one stays until it is pruned', async () => {
    serveDebian(disk);
    const images = open();
    const older = await images.ensure('debian:12', io());
    serveDebian(other);
    expect((await images.ensure('debian:12', io())).digest).toBe(older.digest);
    const newer = await images.pull('debian:12', io());
    expect(newer.digest).not.toBe(older.digest);
    expect((await images.ensure('debian:12', io())).digest).toBe(newer.digest);
    expect((await images.list()).map(({ digest }) => digest)).toEqual([newer.digest, older.digest]);

    const result = await images.prune(new Set([newer.digest]), io(), { all: false });
    expect(result.removed).toEqual([older.digest]);
    expect(result.freed).toBeGreaterThan(disk.length);
    expect(await images.list()).toHaveLength(1);
  });
});

describe('prune', () => {
  test('removes what dead builders left, and partial downloads only when told to', async () => {
    const images = open();
    const abandoned = path.join(cache, 'images/.building-0123456789abcdef-aaaa/work');
    mkdirSync(abandoned, { recursive: true });
    mkdirSync(path.join(cache, 'images', '.removing-1'), { recursive: true });
    mkdirSync(path.join(cache, 'images', 'e'.repeat(64)));
    mkdirSync(path.join(cache, 'images', 'd'.repeat(64)));
    mkdirSync(path.join(cache, 'downloads'));
    writeFileSync(path.join(cache, 'downloads/0123456789abcdef-d.img.part'), 'x');

    const { removed } = await images.prune(new Set(['d'.repeat(64)]), io(), { all: false });
    expect(removed.sort()).toEqual([
      '.building-0123456789abcdef-aaaa',
      '.removing-1',
      'e'.repeat(64),
    ]);
    expect(left()).toEqual(['d'.repeat(64), '0123456789abcdef-d.img.part']);
    const all = await images.prune(new Set(['d'.repeat(64)]), io(), { all: true });
    expect(all.removed).toEqual(['0123456789abcdef-d.img.part']);
  });

  test('leaves alone what another process is making', async () => {
    serveDebian(disk, { delay: 600 });
    const making = open().ensure('debian:12', io());
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { removed } = await open().prune(new Set(), io(), { all: true });
    expect(removed).toEqual([]);
    await making;
  });
});

describe('auto', () => {
  test('is a download when the vendor answers, and asks nobody when it is in the cache', async () => {
    serveDebian(disk);
    const images = open();
    const meant = await images.resolveAuto(io());
    if (meant !== 'debian:12') {
      // Another distribution's own release: the server has none of it.
      expect(meant).toMatch(/^bootstrap:debian:/);
      return;
    }
    await images.ensure('auto', io());
    await server.close();
    expect(await images.resolveAuto(io())).toBe('debian:12');
  });

  test('is a bootstrap when the vendor does not answer within 5 s', async () => {
    for (const place of [debianDir, '/cloud.debian.org/images/cloud/trixie/latest', ubuntuDir]) {
      const name = place === ubuntuDir ? 'SHA256SUMS' : 'SHA512SUMS';
      server.files.set(`${place}/${name}`, { body: Buffer.from('x'), delay: 8000 });
    }
    const started = Date.now();
    expect(await open({ patient: true }).resolveAuto(io())).toMatch(/^bootstrap:debian:1[23]$/);
    expect(Date.now() - started).toBeLessThan(6500);
  });
});

/** A file system of 4 MiB, or the reason why there can be none. */
function mountSmall(directory: string): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting a small file system needs root';
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `cannot mount a tmpfs: ${error}`;
  }
}

describe('a full disk', () => {
  test.for([
    { name: 'is known before anything is written', chunked: false },
    { name: 'in the middle leaves nothing', chunked: true },
  ])('$name', async ({ chunked }, { skip }) => {
    const small = path.join(scratch, `small-${chunked}`);
    mkdirSync(small);
    const reason = mountSmall(small);
    if (reason !== undefined) skip(reason);
    try {
      cache = path.join(small, 'cache');
      const large = Buffer.concat([disk, other]);
      serveDebian(large, { chunked });
      await expect(open().ensure('debian:12', io())).rejects.toMatchObject({
        code: 'host-unable',
        message: expect.stringContaining('disk full'),
        facts: expect.objectContaining({ free: expect.any(Number) }),
      });
      expect(left()).toEqual([]);
    } finally {
      execFileSync('umount', [small]);
    }
  });
});
