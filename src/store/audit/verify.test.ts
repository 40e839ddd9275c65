import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AuditBed,
  auditEntry,
  chainedLines,
  createAuditBed,
  fileOf,
} from '../../../test/fixtures/audit-bed.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { createAudit } from './audit.ts';
import { formatHead, formatLine, readLink } from './line.ts';
import { verifyLog } from './verify.ts';

const io = quietIo();
let bed: AuditBed;
beforeEach(() => {
  bed = createAuditBed();
});
afterEach(() => bed.remove());

const sizes = [4, 3, 4];
const total = sizes.reduce((sum, size) => sum + size, 0);
let index = 0;
const base = chainedLines(
  sizes.map((size) =>
    Array.from({ length: size }, () => auditEntry(index++, { details: { n: 'ü' } })),
  ),
);

function write(lines: readonly (readonly string[])[] = base.lines, head = base.head): void {
  for (const [at, segment] of lines.entries())
    bed.write(fileOf(at, lines.length), segment.join(''));
  bed.write('head', head);
}

const verify = (expected?: string) => verifyLog(bed.place, { io, expect: expected });

/** Segment and line of the log's nth line, both from 0. */
function placeOf(nth: number): { segment: number; line: number } {
  let line = nth;
  for (const [segment, size] of sizes.entries()) {
    if (line < size) return { segment, line };
    line -= size;
  }
  throw new RangeError();
}

/** How `verify` names the log's nth line. */
function named(nth: number) {
  const { segment, line } = placeOf(nth);
  return { file: fileOf(segment, sizes.length), line: line + 1 };
}

/** The log with other lines: `change` gets all of them in order, and says where each of the new ones belongs. */
function changed(change: (lines: string[]) => string[]): string[][] {
  const all = change(base.lines.flat());
  // Segments keep their first lines, so that places stay where they were before the change.
  const rest = [...all];
  return sizes.map((size, at) => (at === sizes.length - 1 ? rest.splice(0) : rest.splice(0, size)));
}

const lineOf = (nth: number) => base.lines.flat()[nth] ?? '';
const linkOf = (nth: number) => {
  const link = readLink(Buffer.from(lineOf(nth).trimEnd()));
  if (link === undefined) throw new Error('no link');
  return link;
};

describe('a log as it was written', () => {
  it('is right, and has its head', async () => {
    write();
    expect(await verify()).toEqual({
      ...{ ok: true, events: total, segments: 3, problem: null, notes: [] },
      anchored: null,
      head: linkOf(total - 1).hash,
    });
  });

  it('may be empty, or not there', async () => {
    const nothing = {
      ...{ ok: true, events: 0, head: null, problem: null, notes: [] },
      anchored: null,
    };
    expect(await verify()).toEqual({ ...nothing, segments: 0 });
    bed.write('audit.jsonl', '');
    bed.write('head', formatHead({ seq: 0, hash: '0'.repeat(64) }));
    expect(await verify()).toEqual({ ...nothing, segments: 1 });
  });

  it('has each of its hashes, and no other', async () => {
    write();
    for (const nth of [0, 5, total - 1])
      expect(await verify(linkOf(nth).hash)).toMatchObject({ ok: true });
    expect(await verify('e'.repeat(64))).toMatchObject({
      ok: false,
      problem: { kind: 'changed', file: 'the log', message: expect.stringContaining('eeee') },
    });
  });

  it('may end with what a writer had not finished: that is told, and no change', async () => {
    write();
    bed.write('audit.jsonl', `${base.lines[2]?.join('')}{"seq":12,"prev":"`);
    const { ok, notes } = await verify();
    expect({ ok, notes }).toEqual({ ok: true, notes: [expect.stringContaining('18 bytes')] });
  });

  it('may have a last line that is not in head yet', async () => {
    write(base.lines, formatHead(linkOf(total - 2)));
    const { ok, notes } = await verify();
    expect({ ok, notes }).toEqual({ ok: true, notes: [expect.stringContaining('not noted')] });
  });
});

describe('a log that is written while it is checked', () => {
  /** A host on which head is read before and the lines after the first writer was there. */
  const overtaken = (read: string | undefined) => {
    const { files } = bed.place.host;
    let isFirst = true;
    const readText = async (path: string) => {
      if (!isFirst) return files.readText(path);
      isFirst = false;
      write();
      return read;
    };
    return { ...bed.place, host: { ...bed.place.host, files: { ...files, readText } } };
  };

  it.each([
    ['not there yet', undefined],
    ['empty yet', ''],
    ['written in part', formatHead({ seq: 9, hash: '9'.repeat(64) })],
  ])('is right although head was %s', async (_, read) => {
    expect(await verifyLog(overtaken(read), { io })).toMatchObject({ ok: true, events: total });
  });
});

describe('a change', () => {
  it('of any single byte of any line is found, and the line is named', () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat(total - 1),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 255 }),
        async (nth, where, by) => {
          const { segment } = placeOf(nth);
          write();
          const bytes = Buffer.from(base.lines[segment]?.join('') ?? '');
          const before = Buffer.byteLength(
            (base.lines[segment] ?? []).slice(0, placeOf(nth).line).join(''),
          );
          const at = before + Math.floor(where * Buffer.byteLength(lineOf(nth)));
          bytes[at] = (bytes[at] ?? 0) ^ by;
          bed.write(fileOf(segment, sizes.length), bytes);
          const { ok, problem, events } = await verify();
          expect({ ok, problem, events }).toMatchObject({
            ...{ ok: false, events: nth, problem: { kind: 'changed', ...named(nth) } },
          });
        },
      ),
      { numRuns: 150 },
    ));

  it('of a line and its hash is found, and the line is named', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(total - 2), async (nth) => {
        const before = nth === 0 ? { seq: 0, hash: '0'.repeat(64) } : linkOf(nth - 1);
        const forged = formatLine(auditEntry(nth, { outcome: 'failure' }), before).text;
        write(changed((lines) => lines.with(nth, forged)));
        expect((await verify()).problem).toMatchObject({ kind: 'changed', ...named(nth) });
      }),
      { numRuns: 20 },
    ));

  it('of the last line and its hash does not fit head', async () => {
    const forged = formatLine(auditEntry(total, {}), linkOf(total - 2)).text;
    write(changed((lines) => lines.with(total - 1, forged)));
    expect((await verify()).problem).toMatchObject({ kind: 'changed', file: 'head', line: null });
  });

  it('of head alone is found', async () => {
    write(base.lines, formatHead({ ...linkOf(total - 1), hash: 'a'.repeat(64) }));
    expect((await verify()).problem).toMatchObject({ kind: 'changed', file: 'head' });
    write(base.lines, 'nonsense');
    expect((await verify()).problem).toMatchObject({ kind: 'removed', file: 'head' });
    rmSync(bed.file('head'));
    expect((await verify()).problem).toMatchObject({ kind: 'removed', file: 'head' });
  });
});

describe('lines that are gone', () => {
  it('are found, and the line after the gap is named', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(total - 2), fc.integer({ min: 1, max: 3 }), async (nth, count) => {
        fc.pre(nth + count < total);
        write(changed((lines) => lines.toSpliced(nth, count)));
        const { problem } = await verify();
        expect(problem).toMatchObject({ kind: 'removed', ...named(nth) });
        expect(problem?.message).toContain(
          count === 1 ? `number ${nth + 1} was` : `numbers ${nth + 1} to ${nth + count}, were`,
        );
      }),
      { numRuns: 40 },
    ));

  it.each([1, 2, 4])('at the end, %i of them, are found by head', async (count) => {
    write(changed((lines) => lines.slice(0, -count)));
    const { problem } = await verify();
    expect(problem).toMatchObject({ kind: 'removed', ...named(total - count - 1) });
  });

  it('with their whole file are found', async () => {
    write();
    rmSync(bed.file('audit-2.jsonl'));
    expect((await verify()).problem).toMatchObject({
      ...{ kind: 'removed', file: 'audit.jsonl', line: 1 },
      message: expect.stringContaining('a whole file'),
    });
    write();
    rmSync(bed.file('audit-1.jsonl'));
    expect((await verify()).problem).toMatchObject({ file: 'audit-2.jsonl', line: 1 });
    write();
    rmSync(bed.file('audit.jsonl'));
    expect((await verify()).problem).toMatchObject({ file: 'audit-2.jsonl', line: 3 });
  });

  it('all of them, are found as long as head is there', async () => {
    write();
    for (const { name } of bed.segments()) rmSync(bed.file(name));
    expect((await verify()).problem).toMatchObject({ kind: 'removed', file: 'audit.jsonl' });
  });

  it('stay found when the next event was written', async () => {
    write(changed((lines) => lines.slice(0, -2)));
    await createAudit(bed.place).append(auditEntry(50), io);
    await createAudit(bed.place).append(auditEntry(51), io);
    expect((await verify()).problem).toMatchObject({
      ...{ kind: 'removed', ...named(total - 2) },
      message: expect.stringContaining(`numbers ${total - 1} to ${total}`),
    });
  });
});

describe('lines that were put in', () => {
  const where = fc.nat(total);

  it('are found and named: lines of the log again', () =>
    fc.assert(
      fc.asyncProperty(where, fc.nat(total - 1), async (at, of) => {
        fc.pre(at !== of);
        write(changed((lines) => lines.toSpliced(at, 0, lineOf(of))));
        expect((await verify()).problem).toMatchObject({ kind: 'inserted', ...namedInserted(at) });
      }),
      { numRuns: 30 },
    ));

  it('are found and named: lines that are none', () =>
    fc.assert(
      fc.asyncProperty(
        where,
        fc.constantFrom('{}', '', 'x', lineOf(3).replace('alice', 'mallory').trimEnd()),
        async (at, text) => {
          write(changed((lines) => lines.toSpliced(at, 0, `${text}\n`)));
          expect((await verify()).problem).toMatchObject({
            kind: 'inserted',
            ...namedInserted(at),
          });
        },
      ),
      { numRuns: 30 },
    ));

  it('are found and named: lines with a right hash and the number of their neighbour', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(total - 1), async (at) => {
        const before = at === 0 ? { seq: 0, hash: '0'.repeat(64) } : linkOf(at - 1);
        const forged = formatLine(auditEntry(99), before).text;
        write(changed((lines) => lines.toSpliced(at, 0, forged)));
        expect((await verify()).problem).toMatchObject({ kind: 'inserted', ...namedInserted(at) });
      }),
      { numRuns: 20 },
    ));

  it('at the end, in a right chain, are found by head if there is more than one', async () => {
    const first = formatLine(auditEntry(98), linkOf(total - 1));
    const second = formatLine(auditEntry(99), first.link);
    write(changed((lines) => [...lines, first.text, second.text]));
    const { file, line } = named(total - 1);
    expect((await verify()).problem).toMatchObject({ kind: 'inserted', file, line: line + 1 });
  });

  it('are found where two were swapped', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(total - 2), async (at) => {
        write(changed((lines) => lines.toSpliced(at, 2, lineOf(at + 1), lineOf(at))));
        expect((await verify()).problem).toMatchObject({ kind: 'inserted', ...named(at) });
      }),
      { numRuns: 20 },
    ));

  /** As `named`, also for the place after the last line. */
  function namedInserted(at: number) {
    if (at < total) return named(at);
    const { file, line } = named(total - 1);
    return { file, line: line + 1 };
  }
});

describe('with the log of the system beside it', () => {
  const audit = () => createAudit(bed.place);
  const append = async (...numbers: number[]) => {
    for (const number of numbers) await audit().append(auditEntry(number), io);
  };
  beforeEach(async () => {
    bed.system.lines = [];
    await append(1, 2, 3, 4);
  });

  it('is compared with what that has of it', async () => {
    expect(bed.system.lines).toHaveLength(4);
    bed.system.lines?.shift();
    bed.system.lines?.push(
      'Jan 31 12:00:00 station sshd[7]: noise',
      'clonebox-audit: no line of ours',
    );
    expect(await verify()).toMatchObject({ ok: true, events: 4, anchored: 3 });
  });

  it.each([
    ['cut at its end, with its head', 3],
    ['cut to nothing', 0],
  ])('is found when it was %s', async (_, kept) => {
    const lines = bed.read('audit.jsonl').split('\n').slice(0, kept);
    bed.write('audit.jsonl', lines.map((line) => `${line}\n`).join(''));
    const last = readLink(Buffer.from(lines.at(-1) ?? ''));
    bed.write('head', formatHead(last ?? { seq: 0, hash: '0'.repeat(64) }));
    expect(await verify()).toMatchObject({
      ...{ ok: false, events: kept },
      problem: { kind: 'removed', message: expect.stringContaining('the log of the system') },
    });
  });

  it('is found when it was deleted, and when it goes on from there', async () => {
    rmSync(bed.file(''), { recursive: true });
    expect(await verify()).toMatchObject({ ok: false, problem: { kind: 'removed' } });
    await append(7);
    expect(await verify()).toMatchObject({ ok: false, problem: { kind: 'changed', line: 1 } });
  });

  it('is found when it was written anew as a whole', async () => {
    rmSync(bed.file(''), { recursive: true });
    const kept = bed.system.lines;
    bed.system.lines = [];
    for (const number of [1, 2, 3, 4])
      await audit().append(auditEntry(number, { details: { other: true } }), io);
    bed.system.lines = kept;
    expect(await verify()).toMatchObject({
      ...{ ok: false, events: 0 },
      problem: { kind: 'changed', file: 'audit.jsonl', line: 1 },
    });
  });

  it('is not compared where that may not be read, which is told', async () => {
    bed.system.lines = undefined;
    expect(await verify()).toMatchObject({ ok: true, anchored: null });
  });
});

it('an empty log of what has VMs is none that nobody has touched', async () => {
  const { ok, problem } = await verifyLog(bed.place, { io, isUsed: true });
  expect([ok, problem?.message]).toEqual([false, expect.stringContaining('there are VMs')]);
});
