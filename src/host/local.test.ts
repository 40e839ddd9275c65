import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { quietIo } from '../core/quiet-io.ts';
import { createHost } from './local.ts';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

test('the user is the one of this process, at home where HOME says', () => {
  const { uid, username } = userInfo();
  expect(createHost({ HOME: '/elsewhere' }).user).toMatchObject({
    uid,
    name: username,
    home: '/elsewhere',
  });
  expect(createHost({}).user.home).toMatch(/^\//);
});

test('programs are looked for on the PATH that it was given', async () => {
  expect(await createHost({ PATH: scratch }).which('sh')).toBeUndefined();
  await expect(createHost({ PATH: scratch }).require('flock')).rejects.toMatchObject({
    code: 'host-unable',
    hint: expect.stringContaining('util-linux'),
  });
  expect(await createHost().require('sh')).toMatch(/^\/.*\/sh$/);
});

test('sleep ends early on Ctrl-C, for its reason', async () => {
  const interrupt = new AbortController();
  const sleeping = createHost({}).sleep(60_000, interrupt.signal);
  interrupt.abort(new Error('Ctrl-C'));
  await expect(sleeping).rejects.toThrow('Ctrl-C');
});

test('a process that it started can be found, measured and ended', async () => {
  const host = createHost();
  const ref = await host.startDaemon(['sleep', '600'], { logFile: join(scratch, 'log') });
  expect(await host.processRef(ref.pid)).toEqual(ref);
  expect(await host.processAge(ref)).toBeLessThan(10);
  await host.kill(ref, 'SIGTERM');
  await expect.poll(() => host.isAlive(ref), patient).toBe(false);
});

test('locks are seen by others while they are held', async () => {
  const host = createHost();
  const path = join(scratch, 'lock');
  const held = await host.lock(path, quietIo(), { what: 'it' });
  expect(await host.isLocked(path)).toBe(true);
  await held.release();
  expect(await host.isLocked(path)).toBe(false);
});
