import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Ctx } from '../../src/core/ctx.ts';
import { CloneboxError } from '../../src/core/errors.ts';
import type { Finish, Journal, Undo } from '../../src/core/store.ts';
import { changeVm, journaled, operation } from '../../src/ops/operation.ts';
import {
  createOperationBed,
  fail,
  full,
  makeWeb,
  type OperationBed,
} from '../fixtures/operation-bed.ts';
import { factsOf, web } from '../fixtures/store-bed.ts';

// How an operation and its journal end together: undone, finished, recorded, put away.

let bed: OperationBed;
let ctx: Ctx;
beforeEach(() => {
  bed = createOperationBed();
  ctx = bed.context();
});
afterEach(() => bed.remove());

test('what was done and cannot be recorded is an error, and is recorded by the next', async () => {
  ctx = bed.context({ audit: { append: () => Promise.reject(full) } });
  const run = operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, (journal) => makeWeb(ctx, journal)),
  );
  await expect(run).rejects.toBe(full);
  expect(await ctx.store.names()).toEqual(['web']);
  expect(bed.journalText()).toMatch(/\n\{"ended":.*"success".*\}\n$/);
  expect(bed.told()).toEqual([]);

  const later = bed.context({ host: { isAlive: async () => false } });
  await later.store.recover(undefined, later.io);
  expect(bed.told()).toMatchObject([{ id: ctx.trace.id, event: 'vm.create', outcome: 'success' }]);
  expect(bed.journals()).toEqual([]);
});

test('a journal has ended before the line is written, and goes after it', async () => {
  const seen: string[] = [];
  ctx = bed.context({
    audit: {
      append: async (entry, io) => {
        seen.push(bed.journalText());
        await bed.audit.append(entry, io);
        expect(bed.journals()).toHaveLength(1);
      },
    },
  });
  await operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, (journal) => makeWeb(ctx, journal)),
  );
  expect(seen).toEqual([expect.stringMatching(/\n\{"ended":.*\}\n$/)]);
  expect(bed.told()).toHaveLength(1);
  expect(bed.journals()).toEqual([]);
});

test('what fails is taken back before the lock is given up, and its journal goes', async () => {
  const run = operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, async (journal) => {
      await makeWeb(ctx, journal);
      expect(await ctx.store.isLocked(web)).toBe(true);
      return fail('guest-failed');
    }),
  );
  await expect(run).rejects.toMatchObject({ code: 'guest-failed' });
  expect(await ctx.store.names()).toEqual([]);
  expect(await ctx.store.isLocked(web)).toBe(false);
  expect(bed.journals()).toEqual([]);
  expect(bed.told()).toMatchObject([
    { outcome: 'failure', target: { type: 'vm', name: 'web' }, error: { code: 'guest-failed' } },
  ]);
});

test('what is interrupted is taken back and recorded all the same', async () => {
  const controller = new AbortController();
  ctx = bed.context({ signal: controller.signal });
  const run = operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, async (journal) => {
      await makeWeb(ctx, journal);
      controller.abort(new CloneboxError('interrupted', 'by Ctrl-C'));
      op.ctx.io.signal.throwIfAborted();
    }),
  );
  await expect(run).rejects.toMatchObject({ code: 'interrupted' });
  expect(await ctx.store.names()).toEqual([]);
  expect(bed.told()).toMatchObject([{ outcome: 'failure', error: { code: 'interrupted' } }]);
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
  expect(bed.emitted).toEqual([
    { kind: 'warning', text: expect.stringContaining('its machine: ') },
  ]);
  expect(await ctx.store.unfinished(web)).toMatchObject([{ id: bed.told()[0]?.id, way: 'undo' }]);
});

test('what is decided and fails is finished before the next change, and told once', async () => {
  mkdirSync(ctx.store.paths.vm(web).directory, { recursive: true });
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
  expect(bed.emitted.at(-1)).toEqual({
    kind: 'note',
    text: 'finished an interrupted vm.restore of web',
  });
  expect(bed.told()).toMatchObject([
    { event: 'vm.restore', outcome: 'failure' },
    { event: 'system.recover', parent: bed.told()[0]?.id, details: { way: 'finished' } },
    { event: 'vm.stop', outcome: 'success' },
  ]);
  expect(bed.told()).toHaveLength(3);
  expect(bed.journals()).toEqual([]);
});

test('what a crash left is taken back before a change, and told to the user', async () => {
  const dead = { processRef: async (pid: number) => ({ pid, startTime: 1 }) };
  const before = bed.context({ host: dead });
  await makeWeb(before, await before.store.beginJournal(factsOf('vm.create'), web));
  const names = await operation(ctx, { event: 'vm.start' }, (op) =>
    changeVm(op, web, () => op.ctx.store.names()),
  );
  expect(names).toEqual([]);
  expect(bed.emitted).toEqual([
    { kind: 'note', text: 'took back an interrupted vm.create of web' },
  ]);
});

test('a journal tells what the operation has become by its first step', async () => {
  let header: unknown;
  await operation(ctx, { event: 'vm.create' }, (op) =>
    changeVm(op, web, async (journal) => {
      op.become('vm.replace');
      op.note({ image: 'debian:12' });
      await makeWeb(ctx, journal);
      header = JSON.parse(bed.journalText().split('\n')[0] ?? '');
    }),
  );
  const [{ id, actor } = {}] = bed.told();
  expect(header).toMatchObject({
    facts: { id, actor, event: 'vm.replace', details: { image: 'debian:12' } },
    vm: 'web',
  });
});

test('a part has a journal of its own within the lock of the whole', async () => {
  await operation(ctx, { event: 'vm.replace' }, (op) =>
    changeVm(op, web, async (journal) => {
      await makeWeb(ctx, journal);
      await journal.commit();
      const part = operation(op.ctx, { event: 'vm.start' }, (started) =>
        journaled(started, (own) => stepAndFail(own), web),
      );
      await expect(part).rejects.toMatchObject({ code: 'guest-failed' });
      expect(bed.journals()).toHaveLength(1);
    }),
  );
  expect(await ctx.store.names()).toEqual(['web']);
  expect(bed.journals()).toEqual([]);
  expect(bed.told()).toMatchObject([
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
  expect(bed.told()).toMatchObject([
    { target: { type: 'vm', name: 'web' }, outcome: 'failure', error: { code: 'conflict' } },
  ]);
});
