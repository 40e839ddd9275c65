import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createContext } from '../../src/context.ts';
import type { Audit, AuditEntry } from '../../src/core/audit.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import { CloneboxError, type ErrorCode } from '../../src/core/errors.ts';
import type { Host } from '../../src/core/host.ts';
import type { Log, Progress } from '../../src/core/io.ts';
import type { Finish, Journal, Undo } from '../../src/core/store.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { changeVm, journaled, operation } from '../../src/ops/operation.ts';
import { createAudit } from '../../src/store/audit/audit.ts';
import { createPaths } from '../../src/store/paths.ts';
import { factsOf, web } from '../fixtures/store-bed.ts';

interface Line {
  readonly level: string;
  readonly event: string;
  readonly facts: Record<string, unknown>;
}

let home: string;
let host: Host;
let audit: Audit;
let log: Line[];
let emitted: Progress[];
let ctx: Ctx;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cb-'));
  host = createHost({ CLONEBOX_HOME: home, SSH_CONNECTION: '192.0.2.7 1 192.0.2.8 22' });
  audit = createAudit({ host, paths: createPaths(host) });
  log = [];
  emitted = [];
  ctx = contextWith({});
});
afterEach(() => rmSync(home, { recursive: true }));

function recorder(bound: Record<string, unknown> = {}): Log {
  const at =
    (level: string) =>
    (event: string, facts: Readonly<Record<string, unknown>> = {}) => {
      log.push({ level, event, facts: { ...bound, ...facts } });
    };
  return {
    ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    child: (more) => recorder({ ...bound, ...more }),
  };
}

function contextWith(overrides: Partial<Audit>, signal = new AbortController().signal): Ctx {
  const io = { signal, log: recorder(), emit: (progress: Progress) => void emitted.push(progress) };
  const options = { io, startedAt: Date.now(), trace: createTrace(host.env) };
  return createContext(options, { host, audit: { ...audit, ...overrides } });
}

/** The lines of the audit log. */
function told(): AuditEntry[] {
  const file = `${home}/audit/audit.jsonl`;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const journals = () => (existsSync(`${home}/journal`) ? readdirSync(`${home}/journal`) : []);
const journalText = () => readFileSync(`${home}/journal/${journals()[0]}`, 'utf8');
const directory = () => ctx.store.paths.vm(web).directory;
const ownDirectory = (): Undo => ({ kind: 'remove-path', path: directory() });
const make = async (journal: Journal) =>
  journal.step('its directory', ownDirectory(), async () => {
    mkdirSync(directory(), { recursive: true });
  });
const full = new CloneboxError('host-unable', 'the disk is full');
const fail = (code: ErrorCode, message = 'no') => Promise.reject(new CloneboxError(code, message));

test('what is done is one line of the audit log, with all that is known', async () => {
  const target = { type: 'vm', name: 'web' } as const;
  const result = await operation(ctx, { event: 'vm.stop', target }, async (op) => {
    op.note({ forced: true });
    op.note({ grace: 5 });
    return op.id;
  });
  expect(told()).toEqual([
    {
      seq: 1,
      prev: expect.any(String),
      hash: expect.any(String),
      id: result,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      event: 'vm.stop',
      outcome: 'success',
      actor: {
        user: host.user.name,
        uid: host.user.uid,
        login: expect.toSatisfy((login) => login === null || typeof login === 'string'),
        host: host.hostname,
        pid: process.pid,
        remote: '192.0.2.7',
      },
      target,
      durationMs: expect.any(Number),
      correlation: ctx.trace.correlation,
      parent: null,
      details: { forced: true, grace: 5 },
      error: null,
    },
  ]);
  expect(result).toBe(ctx.trace.id);
});

test('it may turn out to be another one, about something else, and to change nothing', async () => {
  await operation(ctx, { event: 'vm.create' }, async (op) => {
    op.become('vm.update');
    op.about({ type: 'vm', name: 'db' });
    op.skipped();
  });
  expect(told()).toMatchObject([
    { event: 'vm.update', target: { type: 'vm', name: 'db' }, outcome: 'skipped', error: null },
  ]);
});

test.each([
  ['refused', 'denied'],
  ['partial', 'partial'],
  ['guest-failed', 'failure'],
  ['interrupted', 'failure'],
] as const)('one that fails with %s is told as %s', async (code, outcome) => {
  const failure = new CloneboxError(code, 'no\nwith a second line');
  const run = operation(ctx, { event: 'vm.start' }, async (op) => {
    op.skipped();
    throw failure;
  });
  await expect(run).rejects.toBe(failure);
  expect(told()).toMatchObject([{ outcome, error: { code, message: 'no' } }]);
  expect(told()).toHaveLength(1);
});

test('what is no error of ours is a bug', async () => {
  const run = operation(ctx, { event: 'vm.start' }, () => Promise.reject(new TypeError('x')));
  await expect(run).rejects.toThrow(TypeError);
  expect(told()).toMatchObject([{ outcome: 'failure', error: { code: 'bug', message: 'x' } }]);
});

test('the log tells of its begin and its end, under its id and its VM', async () => {
  await operation(ctx, { event: 'vm.create' }, async (op) => {
    op.about({ type: 'vm', name: 'web' });
    op.ctx.io.log.info('disk.made');
    op.become('vm.replace');
  });
  await expect(operation(ctx, { event: 'vm.start' }, () => fail('guest-failed'))).rejects.toThrow();
  const [first, second] = told();
  const of = { operation: first?.id };
  expect(log).toMatchObject([
    { level: 'info', event: 'vm.create.started', facts: of },
    { level: 'info', event: 'disk.made', facts: { ...of, vm: 'web' } },
    { level: 'info', event: 'vm.replace.completed', facts: { ...of, outcome: 'success' } },
    { level: 'info', event: 'vm.start.started', facts: { operation: second?.id } },
    { level: 'error', event: 'vm.start.failed', facts: { code: 'guest-failed', message: 'no' } },
  ]);
});

test('a part has a line of its own, before that of the whole, with its id as parent', async () => {
  await operation(ctx, { event: 'vm.replace' }, async (op) => {
    await operation(op.ctx, { event: 'image.pull' }, (part) =>
      operation(part.ctx, { event: 'image.build' }, async () => {}),
    );
    await expect(
      operation(op.ctx, { event: 'vm.start' }, () => fail('deadline')),
    ).rejects.toMatchObject({ code: 'deadline' });
  });
  const [build, pull, start, whole] = told();
  expect(told()).toMatchObject([
    { event: 'image.build', parent: pull?.id, outcome: 'success' },
    { event: 'image.pull', parent: whole?.id, outcome: 'success' },
    { event: 'vm.start', parent: whole?.id, outcome: 'failure' },
    { event: 'vm.replace', parent: null, outcome: 'success' },
  ]);
  const ids = [build, pull, start, whole].map((entry) => entry?.id);
  expect(new Set(ids).size).toBe(4);
  expect(new Set(told().map(({ correlation }) => correlation))).toEqual(new Set([whole?.id]));
});

test('two of one command line have ids of their own, and one correlation', async () => {
  await operation(ctx, { event: 'vm.stop' }, async () => {});
  await operation(ctx, { event: 'vm.start' }, async () => {});
  const [first, second] = told();
  expect(first?.id).not.toBe(second?.id);
  expect(second).toMatchObject({ parent: null, correlation: first?.correlation });
});

test('where nothing can be recorded nothing is done', async () => {
  let ran = false;
  const run = operation(
    contextWith({ reserve: () => Promise.reject(full) }),
    { event: 'vm.start' },
    async () => {
      ran = true;
    },
  );
  await expect(run).rejects.toBe(full);
  expect([ran, told(), log]).toEqual([false, [], []]);
});

test('what was done and cannot be recorded is an error, and is recorded by the next', async () => {
  ctx = contextWith({ append: () => Promise.reject(full) });
  const run = operation(ctx, { event: 'vm.create' }, (op) => changeVm(op, web, make));
  await expect(run).rejects.toBe(full);
  expect(await ctx.store.names()).toEqual(['web']);
  expect(journalText()).toMatch(/\n\{"ended":.*"success".*\}\n$/);
  expect(told()).toEqual([]);

  host = { ...host, isAlive: async () => false };
  const later = contextWith({});
  await later.store.recover(undefined, later.io);
  expect(told()).toMatchObject([{ id: ctx.trace.id, event: 'vm.create', outcome: 'success' }]);
  expect(journals()).toEqual([]);
});

test('what failed and cannot be recorded fails as it did', async () => {
  ctx = contextWith({ append: () => Promise.reject(full) });
  const run = operation(ctx, { event: 'vm.create' }, () => fail('guest-failed'));
  await expect(run).rejects.toMatchObject({ code: 'guest-failed' });
  expect(log.at(-1)).toMatchObject({
    level: 'error',
    event: 'audit.failed',
    facts: { reason: 'the disk is full' },
  });
});

test('a journal has ended before the line is written, and goes after it', async () => {
  const seen: string[] = [];
  ctx = contextWith({
    append: async (entry, io) => {
      seen.push(journalText());
      await audit.append(entry, io);
      expect(journals()).toHaveLength(1);
    },
  });
  await operation(ctx, { event: 'vm.create' }, (op) => changeVm(op, web, make));
  expect(seen).toEqual([expect.stringMatching(/\n\{"ended":.*\}\n$/)]);
  expect(told()).toHaveLength(1);
  expect(journals()).toEqual([]);
});

test('what fails is taken back before the lock is given up, and its journal goes', async () => {
  const run = operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, async (journal) => {
      await make(journal);
      expect(await ctx.store.isLocked(web)).toBe(true);
      return fail('guest-failed');
    }),
  );
  await expect(run).rejects.toMatchObject({ code: 'guest-failed' });
  expect(await ctx.store.names()).toEqual([]);
  expect(await ctx.store.isLocked(web)).toBe(false);
  expect(journals()).toEqual([]);
  expect(told()).toMatchObject([
    { outcome: 'failure', target: { type: 'vm', name: 'web' }, error: { code: 'guest-failed' } },
  ]);
});

test('what is interrupted is taken back and recorded all the same', async () => {
  const controller = new AbortController();
  ctx = contextWith({}, controller.signal);
  const run = operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, async (journal) => {
      await make(journal);
      controller.abort(new CloneboxError('interrupted', 'by Ctrl-C'));
      op.ctx.io.signal.throwIfAborted();
    }),
  );
  await expect(run).rejects.toMatchObject({ code: 'interrupted' });
  expect(await ctx.store.names()).toEqual([]);
  expect(told()).toMatchObject([{ outcome: 'failure', error: { code: 'interrupted' } }]);
});

test('what could not be taken back is told, never hides the error, and waits in its journal', async () => {
  const run = operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, async (journal) => {
      const undo: Undo = { kind: 'stop-machine', driver: 'no-such-driver', name: web };
      await journal.step('its machine', undo, async () => {});
      return fail('guest-failed');
    }),
  );
  await expect(run).rejects.toMatchObject({ code: 'guest-failed' });
  expect(emitted).toEqual([{ kind: 'warning', text: expect.stringContaining('its machine: ') }]);
  expect(await ctx.store.unfinished(web)).toMatchObject([{ id: told()[0]?.id, way: 'undo' }]);
});

test('what is decided and fails is finished before the next change, and told once', async () => {
  mkdirSync(directory(), { recursive: true });
  const to = ctx.store.trashPlace(web);
  const finish: Finish = { kind: 'restore-vm', name: web, from: to };
  await ctx.store.trash(web, to);
  const run = operation(ctx, { event: 'vm.restore' }, (op) =>
    changeVm(op, web, (journal) => journal.finish('back', finish, () => fail('host-unable'))),
  );
  await expect(run).rejects.toMatchObject({ code: 'host-unable' });
  expect(await ctx.store.names()).toEqual([]);
  const names = await operation(ctx, { event: 'vm.stop' }, (op) =>
    changeVm(op, web, () => op.ctx.store.names()),
  );
  expect(names).toEqual(['web']);
  expect(emitted.at(-1)).toEqual({
    kind: 'note',
    text: 'finished an interrupted vm.restore of web',
  });
  expect(told()).toMatchObject([
    { event: 'vm.restore', outcome: 'failure' },
    { event: 'system.recover', parent: told()[0]?.id, details: { way: 'finished' } },
    { event: 'vm.stop', outcome: 'success' },
  ]);
  expect(told()).toHaveLength(3);
  expect(journals()).toEqual([]);
});

test('what a crash left is taken back before a change, and told to the user', async () => {
  const dead = { ...host, processRef: async (pid: number) => ({ pid, startTime: 1 }) };
  const before = createContext(
    { io: ctx.io, startedAt: 0, trace: createTrace({}) },
    { host: dead },
  );
  await make(await before.store.beginJournal(factsOf('vm.create'), web));
  const names = await operation(ctx, { event: 'vm.start' }, (op) =>
    changeVm(op, web, () => op.ctx.store.names()),
  );
  expect(names).toEqual([]);
  expect(emitted).toEqual([{ kind: 'note', text: 'took back an interrupted vm.create of web' }]);
});

test('a journal tells what the operation has become by its first step', async () => {
  let header: unknown;
  await operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, async (journal) => {
      op.become('vm.replace');
      op.note({ image: 'debian:12' });
      await make(journal);
      header = JSON.parse(journalText().split('\n')[0] ?? '');
    }),
  );
  const [{ id, actor } = {}] = told();
  expect(header).toMatchObject({
    facts: { id, actor, event: 'vm.replace', details: { image: 'debian:12' } },
    vm: 'web',
  });
});

test('a part has a journal of its own within the lock of the whole', async () => {
  await operation(ctx, { event: 'vm.replace' }, (op) =>
    changeVm(op, web, async (journal) => {
      await make(journal);
      await journal.commit();
      const part = operation(op.ctx, { event: 'vm.start' }, (started) =>
        journaled(started, (own) => stepAndFail(own), web),
      );
      await expect(part).rejects.toMatchObject({ code: 'guest-failed' });
      expect(journals()).toHaveLength(1);
    }),
  );
  expect(await ctx.store.names()).toEqual(['web']);
  expect(journals()).toEqual([]);
  expect(told()).toMatchObject([
    { event: 'vm.start', outcome: 'failure' },
    { event: 'vm.replace', outcome: 'success' },
  ]);
});

async function stepAndFail(journal: Journal): Promise<void> {
  const path = ctx.store.paths.runtimeOf(web);
  await journal.step('sockets', { kind: 'remove-path', path }, async () => {});
  return fail('guest-failed');
}

test('where the VM is locked nothing is done, and that is recorded', async () => {
  let ran = false;
  await ctx.store.withLock(web, ctx.io, async () => {
    const run = operation(ctx, { event: 'vm.stop' }, (op) =>
      changeVm(op, web, async () => {
        ran = true;
      }),
    );
    await expect(run).rejects.toMatchObject({ code: 'conflict' });
  });
  expect(ran).toBe(false);
  expect(told()).toMatchObject([
    { target: { type: 'vm', name: 'web' }, outcome: 'failure', error: { code: 'conflict' } },
  ]);
});
