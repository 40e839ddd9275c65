import { appendFileSync, existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AuditBed, auditEntry, createAuditBed } from '../../../test/fixtures/audit-bed.ts';
import { mortal } from '../../../test/fixtures/mortal-host.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { createAudit } from './audit.ts';
import { verifyLog } from './verify.ts';

const io = quietIo();
let bed: AuditBed;
beforeEach(() => {
  bed = createAuditBed();
});
afterEach(() => bed.remove());

const ids = () =>
  bed.segments().flatMap(({ content }) =>
    content
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).id),
  );
const id = (index: number) => auditEntry(index).id;
const verify = () => verifyLog(bed.place, { io });

/** Every line but the first begins a new segment. */
const segmentBytes = 100;

describe.each([0, 0.5, 1])('a writer that dies with %d of a line written', (share) => {
  it('at any point, also of a rotation, leaves a chain that the next one goes on with', async () => {
    let points = 0;
    for (let dieAt = 0; ; dieAt += 1) {
      bed.remove();
      bed = createAuditBed();
      await createAudit(bed.place).append(auditEntry(1), io);
      const { host, outlives } = mortal(bed.place.host, dieAt, share);
      const work = createAudit({ ...bed.place, host }, { segmentBytes }).append(auditEntry(2), io);
      if (await outlives(work)) break;
      points += 1;
      expect(await verify(), `at ${dieAt}`).toMatchObject({ ok: true });
      // The operation is told again by whoever recovers it, and goes on to the next.
      const audit = createAudit(bed.place, { segmentBytes });
      await audit.append(auditEntry(2), io);
      await audit.append(auditEntry(3), io);
      expect(ids(), `at ${dieAt}`).toEqual([id(1), id(2), id(3)]);
      expect(await verify(), `at ${dieAt}`).toMatchObject({ ok: true, events: 3, notes: [] });
    }
    expect(points).toBeGreaterThan(6);
  });

  it.runIf(share === 0.5)(
    'at any point of the very first line leaves nothing that is in the way',
    async () => {
      let points = 0;
      for (let dieAt = 0; ; dieAt += 1) {
        bed.remove();
        bed = createAuditBed();
        const { host, outlives } = mortal(bed.place.host, dieAt, share);
        const audit = createAudit({ ...bed.place, host });
        const work = audit.reserve(io).then(() => audit.append(auditEntry(1), io));
        if (await outlives(work)) break;
        points += 1;
        await createAudit(bed.place).reserve(io);
        await createAudit(bed.place).append(auditEntry(1), io);
        expect(ids(), `at ${dieAt}`).toEqual([id(1)]);
        expect(await verify(), `at ${dieAt}`).toMatchObject({ ok: true, events: 1, notes: [] });
        expect(existsSync(bed.file('ballast'))).toBe(true);
      }
      expect(points).toBeGreaterThan(6);
    },
  );
});

describe('what is behind the last newline', () => {
  beforeEach(async () => {
    await createAudit(bed.place).append(auditEntry(1), io);
    await createAudit(bed.place).append(auditEntry(2), io);
  });
  const append = () => createAudit(bed.place).append(auditEntry(3), io);

  it('is cut off when it was never acknowledged', async () => {
    appendFileSync(bed.file('audit.jsonl'), '{"seq":3,"pr');
    await append();
    expect(ids()).toEqual([id(1), id(2), id(3)]);
    expect(await verify()).toMatchObject({ ok: true, notes: [] });
  });

  it('is kept as evidence when it was: a last newline that was taken away or changed', async () => {
    const whole = bed.read('audit.jsonl');
    bed.write('audit.jsonl', `${whole.slice(0, -1)}x`);
    await append();
    expect(bed.read('audit.jsonl')).toContain(whole.slice(0, -1));
    expect((await verify()).problem).toMatchObject({ kind: 'changed', line: 2 });
  });

  it('is kept when it is too long for a torn line', async () => {
    appendFileSync(bed.file('audit.jsonl'), 'x'.repeat(10_000));
    await append();
    expect((await verify()).problem).toMatchObject({ kind: 'inserted', line: 3 });
  });
});
