import { chmodSync, existsSync, statSync, truncateSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AuditBed, auditEntry, createAuditBed } from '../../../test/fixtures/audit-bed.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { redacted, registerSecret } from '../../lib/redact.ts';
import { createAudit } from './audit.ts';
import { verifyLog } from './verify.ts';

let bed: AuditBed;
const io = quietIo();
beforeEach(() => {
  bed = createAuditBed();
});
afterEach(() => bed.remove());

const lines = () => bed.segments().flatMap(({ content }) => content.trimEnd().split('\n'));
const ids = () => lines().map((line) => JSON.parse(line).id);
const verify = () => verifyLog(bed.place, { io });

describe('the audit log', () => {
  it('is for this user alone, and keeps room for a full disk', async () => {
    const audit = createAudit(bed.place);
    await audit.reserve(io);
    await audit.append(auditEntry(1), io);
    for (const name of ['audit.jsonl', 'head', 'ballast', 'audit.lock'])
      expect(statSync(bed.file(name)).mode & 0o777, name).toBe(0o600);
    expect(statSync(bed.file('.')).mode & 0o777).toBe(0o700);
    expect(statSync(bed.file('ballast')).blocks * 512).toBeGreaterThanOrEqual(64 * 1024);
  });

  it('has an event once, however often it is told', async () => {
    const audit = createAudit(bed.place);
    for (const index of [1, 2, 1, 3, 2, 2]) await audit.append(auditEntry(index), io);
    expect(ids()).toEqual([1, 2, 3].map((index) => auditEntry(index).id));
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('has an event once also when its segment has become an older one', async () => {
    const audit = createAudit(bed.place, { segmentBytes: 600 });
    for (const index of [1, 2, 3, 1, 2]) await audit.append(auditEntry(index), io);
    expect(bed.segments().length).toBeGreaterThan(1);
    expect(ids()).toEqual([1, 2, 3].map((index) => auditEntry(index).id));
  });

  it('cuts off what a writer that died had not finished', async () => {
    const audit = createAudit(bed.place);
    await audit.append(auditEntry(1), io);
    const whole = bed.read('audit.jsonl');
    await audit.append(auditEntry(2), io);
    truncateSync(bed.file('audit.jsonl'), whole.length + 100);
    bed.write('head', bed.read('head').slice(0, 0));
    await audit.append(auditEntry(3), io);
    expect(ids()).toEqual([auditEntry(1).id, auditEntry(3).id]);
  });

  it('tells no secret, and no more than 4 KiB', async () => {
    const secret = 'a-canary-that-sings';
    registerSecret(secret);
    const error = { code: 'bug', message: `it said ${secret}` };
    const details = { argument: `x${secret}y`, long: 'z'.repeat(100_000) };
    await createAudit(bed.place).append(auditEntry(1, { error, details }), io);
    const [line = ''] = lines();
    expect(line).not.toContain(secret);
    expect(line).toContain(redacted);
    expect(line.length).toBeLessThanOrEqual(4096);
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('gives up its room for what makes more, and takes it again', async () => {
    const audit = createAudit(bed.place);
    await audit.reserve(io);
    await audit.yieldRoom();
    expect(existsSync(bed.file('ballast'))).toBe(false);
    await audit.reserve(io);
    expect(existsSync(bed.file('ballast'))).toBe(true);
  });

  it.skipIf(process.getuid?.() === 0)(
    'that cannot be written keeps everything from beginning',
    async () => {
      const audit = createAudit(bed.place);
      await audit.append(auditEntry(1), io);
      chmodSync(bed.file('audit.jsonl'), 0o400);
      await expect(audit.reserve(io)).rejects.toMatchObject({ code: 'host-unable' });
    },
  );

  it('keeps its chain over any number of segments', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ gap: fc.nat(3), text: fc.string({ maxLength: 60 }) }), {
          maxLength: 12,
        }),
        fc.integer({ min: 400, max: 2000 }),
        async (events, segmentBytes) => {
          const own = createAuditBed();
          try {
            let index = 0;
            for (const { gap, text } of events) {
              index += gap + 1;
              const entry = auditEntry(index, { details: { text } });
              await createAudit(own.place, { segmentBytes }).append(entry, io);
            }
            const result = await verifyLog(own.place, { io });
            expect(result).toMatchObject({ ok: true, events: events.length });
          } finally {
            own.remove();
          }
        },
      ),
      { numRuns: 15 },
    ));
});
