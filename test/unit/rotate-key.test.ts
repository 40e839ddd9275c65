import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createContext } from '../../src/context.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import type { Driver, Started } from '../../src/core/driver.ts';
import { CloneboxError } from '../../src/core/errors.ts';
import type { Guest } from '../../src/core/guest.ts';
import type { Host } from '../../src/core/host.ts';
import type { Progress } from '../../src/core/io.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { openInside } from '../../src/ops/reach-guest.ts';
import { closeRotation, finishRotation, syncKeys } from '../../src/ops/secrets/rotate-key.ts';
import { mortal } from '../fixtures/mortal-host.ts';
import { createStoreBed, recordOf, type StoreBed, web } from '../fixtures/store-bed.ts';

// Keys are words here: a private key `one` is let in by a line `one`. The scripts for the guest really run, in a directory.

let bed: StoreBed;
let guest: string;
let machine: { isUp: boolean; isSilent: boolean };
let said: Progress[];

const own = (name = '') => join(bed.paths.vm(web).directory, name);
const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined);
const letIn = () => (read(join(guest, 'root/.ssh/authorized_keys')) ?? '').split('\n');

/** As it is once the new key is let in, and it is decided. */
function begin(): void {
  bed = createStoreBed();
  guest = join(bed.paths.home, 'guest');
  for (const directory of [own('next-key'), join(guest, 'root/.ssh')])
    mkdirSync(directory, { recursive: true });
  for (const [file, key] of [
    ['key', 'old'],
    ['key.pub', 'old'],
    ['next-key/key', 'new'],
    ['next-key/key.pub', 'new'],
  ] as const)
    writeFileSync(own(file), `${key}\n`);
  writeFileSync(join(guest, 'root/.ssh/authorized_keys'), 'new\nold\n');
  machine = { isUp: true, isSilent: false };
  said = [];
}
beforeEach(begin);
afterEach(() => bed.remove());

/** A graph whose guest is a directory. */
function graph(host: Host = bed.host, point: () => Promise<void> = async () => {}): Ctx {
  const channel = {
    waitReady: async () => {
      if (machine.isSilent) throw new CloneboxError('guest-failed', 'the guest is lost');
    },
    exec: async (argv: readonly string[], _: unknown, options: { stdin?: string } = {}) => {
      await point();
      const inside = argv.map((word) => word.replace(/^\/root\//, `${guest}$&`));
      const [program = '', ...words] = inside;
      execFileSync(program, words, { input: options.stdin });
      await point();
      return { exitCode: 0, stdout: '', stderr: '', truncated: false };
    },
    close: async () => {},
  };
  const driver = {
    inspect: async () => ({ kind: machine.isUp ? 'running' : 'paused' }),
    running: async () => (machine.isUp ? ({ shareDriver: '9p' } as Started) : undefined),
  };
  const io = { ...quietIo(), emit: (told: Progress) => void said.push(told) };
  return createContext(
    { io, startedAt: 0, trace: createTrace({}) },
    {
      host,
      store: { ...bed.on(host), read: async () => recordOf(web) },
      driver: async () => driver as unknown as Driver,
      openGuest: async () => channel as unknown as Guest,
    },
  );
}

const settled = { key: 'new', public: 'new', letIn: ['new'], next: false };
const state = () => ({
  key: read(own('key')),
  public: read(own('key.pub')),
  letIn: letIn(),
  next: existsSync(own('next-key')),
});

describe('a rotation that was decided', () => {
  test('is brought to its end wherever it was killed, and the key that is there logs in at each moment', async () => {
    let deaths = 0;
    for (let dieAt = 0; ; dieAt++) {
      bed.remove();
      begin();
      const { host, point, outlives } = mortal(bed.host, dieAt);
      const lived = await outlives(finishRotation(graph(host, point), web));
      expect(letIn(), `${dieAt}`).toContain(read(own('key')));
      // Without its public half ssh goes by the private one.
      expect([undefined, read(own('key'))], `${dieAt}`).toContain(read(own('key.pub')));
      if (lived) break;
      deaths += 1;
      await finishRotation(graph(), web);
      expect(state(), `${dieAt}`).toEqual(settled);
    }
    expect(state()).toEqual(settled);
    expect(deaths).toBeGreaterThan(8);
  });

  test.each([
    ['is off', { isUp: false }],
    ['does not answer', { isSilent: true }],
  ])(
    'while the guest %s keeps no command waiting, and its next start closes it',
    async (_, how) => {
      machine = { ...machine, ...how };
      await finishRotation(graph(), web);
      expect(state()).toEqual({ ...settled, letIn: ['new', 'old'], next: true });
      expect(readdirSync(own('next-key'))).toEqual([]);
      expect(said).toMatchObject([
        { kind: 'warning', text: expect.stringContaining('next start') },
      ]);
      machine = { isUp: true, isSilent: false };
      await closing();
      expect(state()).toEqual(settled);
    },
  );

  test('and closed is not closed again: the guest may have keys of its own since', async () => {
    await finishRotation(graph(), web);
    writeFileSync(join(guest, 'root/.ssh/authorized_keys'), 'new\na guest of theirs\n');
    await closing();
    expect(letIn()).toEqual(['new', 'a guest of theirs']);
  });
});

test('a rotation that is taken back leaves the old key alone', async () => {
  await syncKeys(graph(), web);
  expect(state()).toEqual({ key: 'old', public: 'old', letIn: ['old'], next: true });
  expect(readdirSync(join(guest, 'root/.ssh'))).toEqual(['authorized_keys']);
  expect(statSync(join(guest, 'root/.ssh/authorized_keys')).mode & 0o777).toBe(0o600);
});

async function closing(): Promise<void> {
  const ctx = graph();
  const inside = await openInside(ctx, recordOf(web));
  if (inside === undefined) throw new Error('it does not run');
  await closeRotation(ctx, inside, ctx.io);
}
