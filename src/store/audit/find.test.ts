import { appendFileSync, renameSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AuditBed,
  auditEntry,
  chainedLines,
  createAuditBed,
  fileOf,
} from '../../../test/fixtures/audit-bed.ts';
import type { AuditEntry } from '../../core/audit.ts';
import { quietIo } from '../../core/quiet-io.ts';
import type { AuditFilter } from './filter.ts';
import { type FindOptions, findRecords } from './find.ts';

const io = quietIo();
let bed: AuditBed;
beforeEach(() => {
  bed = createAuditBed();
});
afterEach(() => bed.remove());

function write(...segments: AuditEntry[][]): void {
  const { lines } = chainedLines(segments);
  for (const [at, some] of lines.entries()) bed.write(fileOf(at, lines.length), some.join(''));
}

async function find(filter: AuditFilter, options: Partial<FindOptions> = {}) {
  const ids: string[] = [];
  let damaged = 0;
  const all = { order: 'newest first', io, ...options } as const;
  for await (const batch of findRecords(bed.place, filter, all)) {
    ids.push(...batch.found.map(({ record }) => record.id));
    damaged += batch.damaged;
  }
  return { ids, damaged };
}

const idsOf = (entries: readonly AuditEntry[]) => entries.map(({ id }) => id);

describe('events are found', () => {
  const entries = Array.from({ length: 9 }, (_, index) => auditEntry(index));

  it('newest first, over all segments, up to a limit', async () => {
    write(entries.slice(0, 3), entries.slice(3, 6), entries.slice(6));
    const newest = idsOf(entries).reverse();
    expect(await find({})).toEqual({ ids: newest, damaged: 0 });
    expect((await find({}, { limit: 4 })).ids).toEqual(newest.slice(0, 4));
    expect((await find({}, { order: 'oldest first' })).ids).toEqual(idsOf(entries));
  });

  it('in more than nine segments, in the order of their numbers', async () => {
    const many = Array.from({ length: 12 }, (_, index) => auditEntry(index));
    write(...many.map((entry) => [entry]));
    expect((await find({})).ids).toEqual(idsOf(many).reverse());
  });

  it('nowhere, where there is no log, and none is made', async () => {
    expect(await find({})).toEqual({ ids: [], damaged: 0 });
    expect(await bed.place.host.files.facts(bed.file('.'))).toBeUndefined();
  });

  it('without what a writer has not finished', async () => {
    write(entries);
    appendFileSync(bed.file('audit.jsonl'), '{"seq":10,"prev":"');
    expect(await find({})).toEqual({ ids: idsOf(entries).reverse(), damaged: 0 });
  });

  it('although lines among them are damaged, which are counted', async () => {
    write(entries);
    const text = bed.read('audit.jsonl').split('\n');
    text[4] = text[4]?.replace('"uid":1000', '"uid":"x"') ?? '';
    text[6] = 'rubbish';
    bed.write('audit.jsonl', text.join('\n'));
    const rest = entries.toSpliced(6, 1).toSpliced(4, 1);
    expect(await find({})).toEqual({ ids: idsOf(rest).reverse(), damaged: 2 });
    expect((await find({ events: ['vm.start'] })).damaged).toBe(1);
  });

  it('once each while the log is rotated', async () => {
    write(entries.slice(0, 5));
    const found = findRecords(bed.place, {}, { order: 'newest first', io });
    const first = await found.next();
    renameSync(bed.file('audit.jsonl'), bed.file('audit-1.jsonl'));
    bed.write('audit.jsonl', '');
    expect(first.value?.found).toHaveLength(5);
    expect((await found.next()).done).toBe(true);
  });

  it.each(['before', 'after'])(
    'once each, although it is rotated right %s it is opened',
    async (when) => {
      write(entries);
      const { lines } = chainedLines([entries, [auditEntry(9)]]);
      const { files } = bed.place.host;
      let isRotated = false;
      const rotate = () => {
        if (isRotated) return;
        isRotated = true;
        renameSync(bed.file('audit.jsonl'), bed.file('audit-1.jsonl'));
        bed.write('audit.jsonl', lines[1]?.join('') ?? '');
      };
      const open = async (path: string) => {
        if (when === 'before') rotate();
        const file = await files.open(path);
        rotate();
        return file;
      };
      const place = { ...bed.place, host: { ...bed.place.host, files: { ...files, open } } };
      const ids: string[] = [];
      for await (const { found } of findRecords(place, {}, { order: 'oldest first', io })) {
        ids.push(...found.map(({ record }) => record.id));
      }
      expect(ids).toEqual(idsOf([...entries, auditEntry(9)]));
    },
  );

  it('of later versions too: unknown events, outcomes and keys', async () => {
    const later = { event: 'moon.land', outcome: 'odd', gravity: 1.6 } as unknown as AuditEntry;
    write([auditEntry(1, later)]);
    expect(await find({ events: ['moon.*'] })).toMatchObject({ ids: [auditEntry(1).id] });
  });
});

describe('a filter', () => {
  it('looks at the time, both ends included', async () => {
    const entries = Array.from({ length: 5 }, (_, index) => auditEntry(index));
    write(entries.slice(0, 2), entries.slice(2));
    const at = (index: number) => Date.parse(entries[index]?.time ?? '');
    expect((await find({ since: at(1), until: at(3) })).ids).toEqual(
      idsOf(entries.slice(1, 4)).reverse(),
    );
    expect((await find({ since: at(4) + 1 })).ids).toEqual([]);
  });

  it('looks for a text in values alone: not in keys, hashes and numbers of lines', async () => {
    const entry = auditEntry(1, {
      details: { reason: 'he said "no"\nand went', list: ['deep', { a: 4242 }] },
    });
    write([auditEntry(0), entry]);
    for (const text of ['said "no"', 'no"\nand', 'deep', '4242', 'station', entry.id]) {
      expect((await find({ text })).ids, text).toContain(entry.id);
    }
    for (const text of ['durationMs', '"reason"', '00000000', 'DEEP', 'prev']) {
      expect((await find({ text })).ids, text).toEqual([]);
    }
  });

  it('is not deceived by details that look like the rest of a line', async () => {
    const details = { user: 'admin', event: 'vm.delete', target: { type: 'vm', name: 'other' } };
    write([auditEntry(1, { details })]);
    expect((await find({ user: 'admin' })).ids).toEqual([]);
    expect((await find({ events: ['vm.delete'] })).ids).toEqual([]);
    expect((await find({ vm: 'other' })).ids).toEqual([]);
  });

  it('of several parts finds what a look at every event finds', async () => {
    const some = <T>(values: readonly T[]) =>
      fc.option(fc.constantFrom(...values), { nil: undefined });
    const made = fc.record({
      event: fc.constantFrom('vm.create', 'vm.start', 'port.add', 'image.pull'),
      outcome: fc.constantFrom('success', 'failure', 'denied'),
      user: fc.constantFrom('alice', 'root'),
      login: fc.constantFrom(null, 'alice', 'bob'),
      name: fc.constantFrom('shop', 'shop-2', 'web'),
    });
    const asked = fc.record({
      events: some([['vm.create'], ['vm.*'], ['vm.start', 'port.add'], ['*']]),
      outcomes: some([['failure'], ['failure', 'denied']]),
      user: some(['alice', 'bob', 'root', 'ali']),
      vm: some(['shop', 'web']),
      text: some(['shop', 'vm.', '-2', 'nothing']),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(made, { maxLength: 15 }), asked, async (parts, filter) => {
        const entries = parts.map(({ event, outcome, user, login, name }, index) =>
          auditEntry(index, {
            ...{ event, outcome, target: { type: 'vm', name } },
            actor: { ...auditEntry(0).actor, user, login },
          } as Partial<AuditEntry>),
        );
        write(entries);
        const wanted = entries.filter(({ event, outcome, actor, target }) => {
          const matches = (pattern: string) =>
            new RegExp(`^${pattern.replace('.', '\\.').replace('*', '.*')}$`).test(event);
          const words = [event, outcome, actor.user, actor.login, target?.name, 'vm', 'station'];
          return (
            (filter.events?.some(matches) ?? true) &&
            (filter.outcomes?.includes(outcome) ?? true) &&
            (filter.user === undefined || [actor.user, actor.login].includes(filter.user)) &&
            (filter.vm === undefined || target?.name === filter.vm) &&
            (filter.text === undefined || words.some((word) => word?.includes(filter.text ?? '')))
          );
        });
        expect((await find(filter)).ids).toEqual(idsOf(wanted).reverse());
      }),
      { numRuns: 100 },
    );
  });
});
