import type { Ctx } from '../../core/ctx.ts';
import type { AuditFilter } from '../../store/audit/filter.ts';
import { type Found, findRecords } from '../../store/audit/find.ts';
import { outputFile } from '../output-file.ts';
import { csvHead, csvLine } from './csv.ts';
import { placeOf, warnOfDamage } from './query.ts';

export const exportFormats = ['json', 'csv', 'jsonl'] as const;

export type ExportFormat = (typeof exportFormats)[number];

export interface ExportedFile {
  readonly file: string;
  readonly format: ExportFormat;
  readonly events: number;
}

/** Parts of an export are put together until there are so many characters. */
const partLength = 1 << 16;

/**
 * All events that are asked for, oldest first, as the parts of a text: `{ "events": […] }`, a table with a head, or
 * the very lines of the log. In constant memory. Returns how many there were.
 */
export async function* exportParts(
  ctx: Ctx,
  filter: AuditFilter,
  format: ExportFormat,
): AsyncGenerator<string, number> {
  const { head, line, foot } = shapes[format];
  let part = head;
  let damaged = 0;
  let count = 0;
  const options = { order: 'oldest first', io: ctx.io } as const;
  for await (const batch of findRecords(placeOf(ctx), filter, options)) {
    damaged += batch.damaged;
    for (const found of batch.found) {
      part += line(found, count === 0);
      count += 1;
      if (part.length < partLength) continue;
      yield part;
      part = '';
    }
  }
  yield part + foot(count === 0);
  warnOfDamage(ctx, damaged);
  return count;
}

interface Shape {
  readonly head: string;
  line(found: Found, isFirst: boolean): string;
  foot(isEmpty: boolean): string;
}

const shapes: Readonly<Record<ExportFormat, Shape>> = {
  json: {
    head: '{\n  "events": [',
    line: ({ line }, isFirst) => `${isFirst ? '' : ','}\n    ${line}`,
    foot: (isEmpty) => (isEmpty ? ']\n}\n' : '\n  ]\n}\n'),
  },
  csv: { head: csvHead, line: ({ record }) => csvLine(record), foot: () => '' },
  jsonl: { head: '', line: ({ line }) => `${line}\n`, foot: () => '' },
};

/**
 * Exports into a file for this user alone: the whole of it, or what was there before. Fails as `outputFile`.
 */
export async function exportToFile(
  ctx: Ctx,
  filter: AuditFilter,
  output: { format: ExportFormat; file: string; cwd: string },
): Promise<ExportedFile> {
  const file = await outputFile(ctx, output);
  let events = 0;
  const counted = async function* () {
    events = yield* exportParts(ctx, filter, output.format);
  };
  await file.write(counted());
  return { file: file.path, format: output.format, events };
}
