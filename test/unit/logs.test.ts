import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ctx } from '../../src/core/ctx.ts';
import type { Guest } from '../../src/core/guest.ts';
import { parseVmName } from '../../src/core/name.ts';
import { createHost } from '../../src/host/local.ts';
import type { LogLine } from '../../src/ops/log-lines.ts';
import { type LogsInput, logs, logsOfOperation } from '../../src/ops/logs.ts';
import { createPaths } from '../../src/store/paths.ts';

const shop = parseVmName('shop');
const start = Date.parse('2026-01-31T10:00:00.000Z');
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const own = (seconds: number, event: string, facts: object = {}) =>
  `${JSON.stringify({ level: 'info', time: at(seconds), event, ...facts })}\n`;

let home: string;
let notes: string[];
let stop: AbortController;
let asked: string[];
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'cb-logs-'));
  for (const directory of ['log', 'vms/shop'])
    mkdirSync(path.join(home, directory), { recursive: true });
  notes = [];
  asked = [];
  stop = new AbortController();
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const logFile = (age = 0) => path.join(home, `log/clonebox${age === 0 ? '' : `.${age}`}.jsonl`);
const entry = (seconds: number, MESSAGE: string) =>
  `${JSON.stringify({ __REALTIME_TIMESTAMP: String((start + seconds * 1000) * 1000), MESSAGE, _COMM: 'web' })}\n`;

/** A graph of a VM that was started at `at(0)`; its guest has this journal, or does not answer. */
function graph({ runs = true, journal }: { runs?: boolean; journal?: string } = {}): Ctx {
  const host = createHost({ CLONEBOX_HOME: home });
  const guest: Partial<Guest> = {
    ping: async () => journal !== undefined,
    exec: async (argv, _io, options) => {
      asked.push(argv.join(' '));
      // In two parts, in the middle of a letter.
      const bytes = Buffer.from(journal ?? '');
      options?.onOutput?.('stdout', bytes.subarray(0, 9));
      options?.onOutput?.('stdout', bytes.subarray(9));
      return { exitCode: 0, stdout: '', stderr: '', truncated: false };
    },
    close: async () => {},
  };
  const state = runs
    ? { kind: 'running', process: { pid: 1, startTime: 1 }, uptimeSeconds: 1 }
    : { kind: 'stopped' };
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  const io = {
    signal: stop.signal,
    log,
    emit: (progress: object) => notes.push(JSON.stringify(progress)),
  };
  return {
    host: { ...host, now: () => start + 60_000, processAge: async () => 60 },
    io,
    store: {
      paths: createPaths(host),
      names: async () => [shop],
      read: async () => ({ name: shop, plan: { driver: 'qemu' } }),
    },
    driver: async () => ({ inspect: async () => state }),
    openGuest: async () => guest,
  } as unknown as Ctx;
}

async function read(ctx: Ctx, more: Partial<LogsInput> = {}) {
  const lines: LogLine[] = [];
  const { unread } = await logs(ctx, {
    ...{ target: 'shop', cwd: '/', sources: undefined, unit: undefined, since: undefined },
    ...{ tail: 50, follow: false, onLine: (line: LogLine) => lines.push(line), ...more },
  });
  return { unread, lines, texts: lines.map(({ text }) => text) };
}

describe('logs of a VM', () => {
  beforeEach(() => {
    writeFileSync(logFile(1), own(-50, 'vm.create.started', { operation: 'a', target: 'shop' }));
    writeFileSync(
      logFile(),
      [
        own(-49, 'images.published', { operation: 'a', digest: 'd' }),
        own(-48, 'vm.create.started', { operation: 'b', target: 'other' }),
        own(2, 'vm.start.completed', { operation: 'c', vm: 'shop' }),
      ].join(''),
    );
    writeFileSync(
      path.join(home, 'vms/shop/serial.log'),
      '[    0.000000] Linux\n[    1.500000] up\n',
    );
    utimesSync(path.join(home, 'vms/shop/serial.log'), start / 1000 + 60, start / 1000 + 60);
  });

  it('are what CloneBox did, the console and the journal by time', async () => {
    const { texts, unread } = await read(graph({ journal: entry(1, 'höre zu') + entry(3, 'ok') }));
    expect(texts).toEqual([
      ...['vm.create.started target=shop', 'images.published digest=d', '[    0.000000] Linux'],
      ...['web: höre zu', '[    1.500000] up', 'vm.start.completed vm=shop', 'web: ok'],
    ]);
    expect(unread).toEqual([]);
  });

  it('are the last ones, and the newer ones', async () => {
    const ctx = graph({ journal: entry(1, 'one') + entry(3, 'two') });
    expect((await read(ctx, { tail: 2 })).texts).toEqual([
      'vm.start.completed vm=shop',
      'web: two',
    ]);
    expect((await read(ctx, { tail: 0 })).texts).toEqual([]);
    const since = start + 1200;
    expect((await read(ctx, { since })).texts).toEqual([
      ...['[    1.500000] up', 'vm.start.completed vm=shop', 'web: two'],
    ]);
    expect(asked.at(-1)).toContain(`-n 50 --since=@${start / 1000 + 1}`);
  });

  it('do without a journal that cannot be read, and say so', async () => {
    for (const [ctx, why] of [
      [graph({ runs: false }), 'shop is stopped'],
      [graph(), 'the guest of shop does not answer'],
    ] as const) {
      notes = [];
      const { unread, lines } = await read(ctx);
      expect(unread).toEqual([{ source: 'journal', reason: why }]);
      expect(notes.join()).toContain(`without journal: ${why}`);
      expect(lines).toHaveLength(5);
    }
  });

  it('fail when what was asked for by name cannot be read', async () => {
    const asking = read(graph({ runs: false }), { sources: ['journal'], unit: 'web' });
    await expect(asking).rejects.toMatchObject({ code: 'conflict' });
    await read(graph({ journal: '' }), { sources: ['journal'], unit: 'web' });
    expect(asked.at(-1)).toMatch(/-u web/);
  });

  it('go on with what comes, also where the file of the log is begun anew', async () => {
    const seen: string[] = [];
    const ctx = graph({ runs: false });
    const following = read(ctx, {
      ...{ sources: ['clonebox', 'serial'], follow: true, tail: 1 },
      onLine: ({ text }) => seen.push(text),
    });
    const told = (text: string) => expect.poll(() => seen, { timeout: 5000 }).toContain(text);
    await told('[    1.500000] up');
    appendFileSync(
      logFile(),
      own(5, 'c.two', { operation: 'c' }) + own(5, 'b.two', { operation: 'b' }),
    );
    appendFileSync(path.join(home, 'vms/shop/serial.log'), 'half');
    await told('c.two');
    appendFileSync(path.join(home, 'vms/shop/serial.log'), ' a line\n');
    await told('half a line');
    appendFileSync(logFile(), own(6, 'c.three', { vm: 'shop' }));
    renameSync(logFile(), logFile(1));
    writeFileSync(logFile(), own(7, 'c.four', { vm: 'shop' }));
    await told('c.three vm=shop');
    await told('c.four vm=shop');
    expect(seen.join()).not.toContain('b.two');
    stop.abort();
    await expect(following).rejects.toThrow();
  });
});

describe('the log of an operation', () => {
  it('is everything about it, its parts too, from all files, oldest first', async () => {
    writeFileSync(logFile(2), own(0, 'one', { operation: 'abc' }));
    writeFileSync(logFile(1), own(1, 'no', { operation: 'abcd' }) + own(2, 'no', { vm: 'abc' }));
    writeFileSync(
      logFile(),
      own(3, 'two', { operation: 'x', parent: 'abc' }) + own(4, 'three', { correlation: 'abc' }),
    );
    const lines = await logsOfOperation(graph(), 'abc');
    expect(lines.map(({ event }) => event)).toEqual(['one', 'two', 'three']);
    expect(lines[0]).toMatchObject({ time: at(0), level: 'info', operation: 'abc' });
  });

  it('is not found where the log has nothing about it', async () => {
    await expect(logsOfOperation(graph(), 'abc')).rejects.toMatchObject({ code: 'not-found' });
  });
});
