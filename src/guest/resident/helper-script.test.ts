import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ResidentBed,
  residentWay,
  startResident,
} from '../../../test/fixtures/resident-bed.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { type HelperStep, openHelper, type ResidentHelper } from './client.ts';
import { helperFiles, helperScript } from './helper-script.ts';
import { helperLimit } from './perl-base.ts';

const host = createHost();
const io = quietIo();

test('the helper makes no process, and needs perl-base alone', () => {
  const code = helperScript.replace(/^\s*#.*$/gm, '');
  expect(code).not.toMatch(/(^|[;{(])\s*(?:system|fork|exec|open)\b(?!:)|\bqx\b|`/m);
  expect(code.match(/^use .*;$/gm)).toEqual([
    'use strict;',
    'use warnings;',
    'use Config;',
    expect.stringMatching(/^use Fcntl /),
  ]);
});

test('its unit finds the program where it is put', () => {
  const files = new Map(helperFiles().map((file) => [file.path, file]));
  const unit = files.get('/etc/systemd/system/clonebox-helper.service')?.content;
  const program = /^ExecStart=\/usr\/bin\/perl (\S+) \S+$/m.exec(unit ?? '')?.[1] ?? '';
  expect(files.get(program)).toMatchObject({ mode: 0o755, content: helperScript });
});

const why = 'the namespaces in which it runs cannot be made here (unshare, or perl)';

describe.skipIf(residentWay === undefined)(`the helper (skipped when ${why})`, () => {
  let bed: ResidentBed;
  let helper: ResidentHelper;
  beforeAll(async () => {
    bed = await startResident();
    helper = await openHelper(host, bed.socketPath, io);
  }, 60_000);
  afterAll(async () => {
    helper?.close();
    await bed?.close();
  });

  const path = (name: string) => join(bed.root, name);
  const text = (name: string) => readFileSync(path(name), 'utf8');
  const ask = (...steps: HelperStep[]) => helper.ask(steps, io);
  const failure = async (...steps: HelperStep[]) =>
    ask(...steps).then(
      () => undefined,
      (error: { facts: unknown }) => error.facts,
    );
  const filesOf = (name: string) => readdirSync(path(name)).sort();

  test('answers with what the machine is', async () => {
    const answer = await ask(['report']);
    expect(answer.get('random')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.get('spent')).toMatch(/^report \d+\n$/);
    expect(Math.abs(Number(answer.get('clock')) / 1e6 - Date.now())).toBeLessThan(10_000);
  });

  test('gives the machine its name, and keeps every other line of its hosts', async () => {
    writeFileSync(path('etc/hosts'), '127.0.0.1 localhost\n127.0.1.1 old me\n10.0.0.9 db\n', {
      mode: 0o640,
    });
    await ask(['hostname', 'shop'], ['hostname', 'shop']);
    expect((await ask(['report'])).get('hostname')).toBe('shop');
    expect(text('etc/hostname')).toBe('shop\n');
    expect(text('etc/hosts')).toBe('127.0.0.1 localhost\n127.0.1.1 shop\n10.0.0.9 db\n');
    expect(statSync(path('etc/hosts')).mode & 0o777).toBe(0o640);
    expect(filesOf('etc').filter((name) => name.includes('clonebox-'))).toEqual([]);
  });

  test.each([
    ['::1 localhost\n127.0.0.1 localhost\n1.2.3.4 x\n', /localhost\n127\.0\.1\.1 shop\n1\.2/],
    ['127.0.1.1 a\n127.0.1.1 alias\n', /^127\.0\.1\.1 shop\n127\.0\.1\.1 alias\n$/],
    ['1.2.3.4 x', /^1\.2\.3\.4 x\n127\.0\.1\.1 shop\n$/],
    ['', /^127\.0\.1\.1 shop\n$/],
  ])('finds its line in hosts that say %j', async (before, after) => {
    writeFileSync(path('etc/hosts'), before);
    await ask(['hostname', 'shop']);
    expect(text('etc/hosts')).toMatch(after);
  });

  test('gives it its ids, again and again', async () => {
    for (const digit of ['1', '2']) {
      const machineId = digit.repeat(32);
      const bootId = `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`;
      await ask(['machine-id', machineId], ['boot-id', bootId]);
      const answer = await ask(['report']);
      expect(answer.get('machine-id')).toBe(machineId);
      expect(answer.get('boot-id')).toBe(bootId);
      expect(text('etc/machine-id')).toBe(`${machineId}\n`);
    }
  });

  test('writes files of any bytes, whole, with mode and owner', async () => {
    const bytes = fc.uint8Array({ maxLength: 3000 });
    const names = fc.stringMatching(/^[a-zA-Z0-9 äß%$"'\\=-]{1,40}$/);
    await fc.assert(
      fc.asyncProperty(bytes, names, async (content, name) => {
        await ask(['file', `/mnt/_${name}`, '640', '0', '0', content]);
        expect([...readFileSync(path(`mnt/_${name}`))]).toEqual([...content]);
        expect(statSync(path(`mnt/_${name}`)).mode & 0o777).toBe(0o640);
      }),
      { numRuns: 40 },
    );
  });

  test('makes directories and links, and removes them', async () => {
    await ask(
      ['directory', '/mnt/d', '700', '0', '0'],
      ['file', '/mnt/d/key', '600', '0', '0', 'x'],
      ['link', '/mnt/d/link', 'key'],
      ['link', '/mnt/d/link', '/elsewhere'],
    );
    expect(statSync(path('mnt/d')).mode & 0o777).toBe(0o700);
    expect(readlinkSync(path('mnt/d/link'))).toBe('/elsewhere');
    // One that is there stays as it is.
    await ask(['directory', '/mnt/d', '755', '0', '0']);
    expect(statSync(path('mnt/d')).mode & 0o777).toBe(0o700);
    await ask(['remove', '/mnt/d/link'], ['remove', '/mnt/d/key'], ['remove', '/mnt/d']);
    await ask(['remove', '/mnt/d']);
    expect(existsSync(path('mnt/d'))).toBe(false);
  });

  test('leaves a share that is mounted as it is', async () => {
    await ask(['mount', 'share0', '/mnt/a share', 'trans=virtio', 'rw']);
    expect(await failure(['mount', 'share0', '/mnt/a share', 'trans=virtio', 'both'])).toEqual({
      step: 'mount',
      reason: 'neither rw nor ro',
    });
  });

  test('stops at the first step that fails, and names it', async () => {
    const facts = await failure(
      ['file', '/mnt/before', '644', '0', '0', ''],
      ['file', '/mnt/missing/file', '644', '0', '0', 'secret'],
      ['file', '/mnt/after', '644', '0', '0', ''],
    );
    expect(facts).toEqual({
      step: 'file',
      reason: '/mnt/missing/file: No such file or directory',
    });
    expect(existsSync(path('mnt/before'))).toBe(true);
    expect(existsSync(path('mnt/after'))).toBe(false);
  });

  test('leaves what was there when it cannot write', async () => {
    mkdirSync(path('mnt/full'));
    expect(await failure(['file', '/mnt/full', '644', '0', '0', 'x'])).toMatchObject({
      step: 'file',
      reason: expect.stringMatching(/^\/mnt\/full: Is a directory/),
    });
    expect(filesOf('mnt').filter((name) => name.includes('clonebox-'))).toEqual([]);
  });

  test.each<[string, HelperStep]>([
    ['clock', ['clock', '12']],
    ['clock', ['clock', 'now']],
    ['machine-id', ['machine-id', 'ABC']],
    ['boot-id', ['boot-id', '../../etc']],
    ['hostname', ['hostname', 'a b\nc']],
    ['hostname', ['hostname', '']],
    ['file', ['file', 'relative', '644', '0', '0', '']],
    ['file', ['file', '/mnt/x\0y', '644', '0', '0', '']],
    ['file', ['file', '/mnt/x', '888', '0', '0', '']],
    ['file', ['file', '/mnt/x', '644', '-1', '0', '']],
    ['file', ['file', '/mnt/x']],
    ['random', ['random', 'short']],
    ['report', ['report', 'x']],
    ['request', ['no-such-verb']],
  ])('refuses a %s that makes no sense: %j', async (step, wrong) => {
    expect(await failure(wrong)).toMatchObject({ step });
    await ask(['report']);
  });

  test('gives bytes to the kernel, where it is allowed to', async () => {
    const step: HelperStep = ['random', new Uint8Array(64).fill(7)];
    if (residentWay === 'root') {
      expect((await ask(step)).get('random')).toMatch(/^[0-9a-f-]{36}$/);
    } else {
      expect(await failure(step)).toMatchObject({ step: 'random' });
    }
    // In here it never is: the clock is this machine's.
    const now = ['clock', `${Date.now()}000000`] as const;
    expect(await failure(now)).toMatchObject({
      step: 'clock',
      reason: 'clock_settime: Operation not permitted',
    });
  });

  test("lets journald begin anew, without the template's journal", async () => {
    const own = '3'.repeat(32);
    const other = '4'.repeat(32);
    for (const place of [`run/log/journal/${own}`, `run/log/journal/${other}`, 'var-log/journal']) {
      mkdirSync(path(place), { recursive: true });
    }
    mkdirSync(path(`var-log/journal/${other}`));
    mkdirSync(path('var-log/journal/remote'));
    for (const file of [
      ...[`run/log/journal/${own}/system.journal`, 'var-log/journal/remote/remote.journal'],
      ...[`run/log/journal/${other}/system.journal`, `var-log/journal/${other}/user-1.journal~`],
    ]) {
      writeFileSync(path(file), '');
    }
    expect(await failure(['journal'])).toMatchObject({ reason: 'journald does not run' });
    // As the real one does: it writes its file anew when that is gone, for as long as it is there.
    const again = `mkdir -p ${path(`run/log/journal/${other}`)}; : >${path(`run/log/journal/${other}/system.journal`)}`;
    const waits = `trap '${again}; sleep 0.2; ${again}; trap - TERM; kill $$' TERM; while :; do sleep 0.05; done`;
    const journald = spawn('sh', ['-c', waits]);
    const ended = new Promise((resolve) => journald.once('exit', (_, signal) => resolve(signal)));
    const group = path('cgroup/system.slice/systemd-journald.service');
    mkdirSync(group, { recursive: true });
    writeFileSync(join(group, 'cgroup.procs'), `${journald.pid}\n`);
    await ask(['machine-id', own], ['journal']);
    expect(await ended).toBe('SIGTERM');
    // It does the rest before it takes another request.
    await ask(['report']);
    expect(filesOf('run/log/journal')).toEqual([own]);
    expect(filesOf(`run/log/journal/${own}`)).toEqual(['system.journal']);
    expect(filesOf('var-log/journal')).toEqual(['remote']);
  });

  test('writes out what was written', () => ask(['sync']));

  test('takes no request without bounds, and goes on', async () => {
    const content = 'x'.repeat(helperLimit / 2 + 1);
    expect(await failure(['file', '/mnt/huge', '644', '0', '0', content])).toEqual({
      step: 'request',
      reason: 'it is too large',
    });
    expect(existsSync(path('mnt/huge'))).toBe(false);
    await ask(['report']);
  });

  test('forgets what a client left half said', async () => {
    const content = Buffer.from('x').toString('hex');
    const earlier = `file ${Buffer.from('/mnt/half').toString('hex')} 363434 30 30 ${content}`;
    helper.close();
    const gone = await host.connect(bed.socketPath);
    gone.sendBytes(Buffer.from(`\nbegin\n${earlier}\n${earlier}`));
    gone.close();
    helper = await openHelper(host, bed.socketPath, io);
    await ask(['report']);
    expect(existsSync(path('mnt/half'))).toBe(false);
  });
});
