import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Ctx } from '../../src/core/ctx.ts';
import { CloneboxError } from '../../src/core/errors.ts';
import { operation } from '../../src/ops/operation.ts';
import { createOperationBed, fail, full, type OperationBed } from '../fixtures/operation-bed.ts';

// What an operation leaves in the audit log and in the log.

let bed: OperationBed;
let ctx: Ctx;
beforeEach(() => {
  bed = createOperationBed();
  ctx = bed.context();
});
afterEach(() => bed.remove());

test('what is done is one line of the audit log, with all that is known', async () => {
  const target = { type: 'vm', name: 'web' } as const;
  const result = await operation(ctx, { event: 'vm.stop', target }, async (op) => {
    op.note({ forced: true });
    op.note({ grace: 5 });
    return op.id;
  });
  expect(bed.told()).toEqual([
    {
      seq: 1,
      prev: expect.any(String),
      hash: expect.any(String),
      id: result,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      event: 'vm.stop',
      outcome: 'success',
      actor: {
        user: bed.host.user.name,
        uid: bed.host.user.uid,
        login: expect.toSatisfy((login) => login === null || typeof login === 'string'),
        host: bed.host.hostname,
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
  expect(bed.told()).toMatchObject([
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
  expect(bed.told()).toMatchObject([{ outcome, error: { code, message: 'no' } }]);
  expect(bed.told()).toHaveLength(1);
});

test('what is no error of ours is a bug', async () => {
  const run = operation(ctx, { event: 'vm.start' }, () => Promise.reject(new TypeError('x')));
  await expect(run).rejects.toThrow(TypeError);
  expect(bed.told()).toMatchObject([{ outcome: 'failure', error: { code: 'bug', message: 'x' } }]);
});

test('the log tells of its begin and its end, under its id and its VM', async () => {
  await operation(ctx, { event: 'vm.create' }, async (op) => {
    op.about({ type: 'vm', name: 'web' });
    op.ctx.io.log.info('disk.made');
    op.become('vm.replace');
  });
  await expect(operation(ctx, { event: 'vm.start' }, () => fail('guest-failed'))).rejects.toThrow();
  const [first, second] = bed.told();
  const of = { operation: first?.id };
  expect(bed.log).toMatchObject([
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
  const [build, pull, start, whole] = bed.told();
  expect(bed.told()).toMatchObject([
    { event: 'image.build', parent: pull?.id, outcome: 'success' },
    { event: 'image.pull', parent: whole?.id, outcome: 'success' },
    { event: 'vm.start', parent: whole?.id, outcome: 'failure' },
    { event: 'vm.replace', parent: null, outcome: 'success' },
  ]);
  const ids = [build, pull, start, whole].map((entry) => entry?.id);
  expect(new Set(ids).size).toBe(4);
  expect(new Set(bed.told().map(({ correlation }) => correlation))).toEqual(new Set([whole?.id]));
});

test('two of one command line have ids of their own, and one correlation', async () => {
  await operation(ctx, { event: 'vm.stop' }, async () => {});
  await operation(ctx, { event: 'vm.start' }, async () => {});
  const [first, second] = bed.told();
  expect(first?.id).not.toBe(second?.id);
  expect(second).toMatchObject({ parent: null, correlation: first?.correlation });
});

test('where nothing can be recorded nothing is done', async () => {
  let ran = false;
  const run = operation(
    bed.context({ audit: { reserve: () => Promise.reject(full) } }),
    { event: 'vm.start' },
    async () => {
      ran = true;
    },
  );
  await expect(run).rejects.toBe(full);
  expect([ran, bed.told(), bed.log]).toEqual([false, [], []]);
});

test('what failed and cannot be recorded fails as it did', async () => {
  ctx = bed.context({ audit: { append: () => Promise.reject(full) } });
  const run = operation(ctx, { event: 'vm.create' }, () => fail('guest-failed'));
  await expect(run).rejects.toMatchObject({ code: 'guest-failed' });
  expect(bed.log.at(-1)).toMatchObject({
    level: 'error',
    event: 'audit.failed',
    facts: { reason: 'the disk is full' },
  });
});
