import * as z from 'zod';
import type { Undo } from '../core/store.ts';
import { vmName } from './record-schema.ts';

// journal/ID.jsonl: a header, one line per step (written and synced before the step runs), at last `committed`.

const header = z.looseObject({
  operation: z.string(),
  vm: vmName,
  pid: z.int(),
  startTime: z.number(),
  command: z.string(),
  /** ISO 8601, UTC. */
  started: z.string(),
  /** The process lives on but gave up: its rollback failed. */
  abandoned: z.exactOptional(z.literal(true)),
});

const undo = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('remove-path'), path: z.string() }),
  z.object({ kind: z.literal('stop-machine'), driver: z.string(), name: vmName }),
  z.object({ kind: z.literal('release-leases'), name: vmName }),
  z.object({ kind: z.literal('restore-vm'), from: z.string(), name: vmName }),
]) satisfies z.ZodType<Undo>;

const step = z.looseObject({
  title: z.string(),
  undo,
  /** Why an undo that was tried did not work. */
  failed: z.exactOptional(z.string()),
});

const line = z.union([z.looseObject({ committed: z.string() }), step]);

export type JournalHeader = z.infer<typeof header>;
export type JournalStep = z.infer<typeof step>;

/** A journal as far as it reached the disk. */
export interface JournalContent {
  readonly header: JournalHeader;
  readonly steps: readonly JournalStep[];
  readonly isCommitted: boolean;
  /** Whole lines that this CloneBox does not understand: damaged, or a newer one's. */
  readonly unreadable: readonly string[];
}

/**
 * Reads a journal. A last line without its newline was being written when the process died, so its step never
 * ran: it does not count. `undefined` when there is no readable header.
 */
export function parseJournal(text: string): JournalContent | undefined {
  const [first, ...rest] = text.split('\n').slice(0, -1);
  const parsedHeader = header.safeParse(parseJson(first));
  if (!parsedHeader.success) return undefined;
  const steps: JournalStep[] = [];
  const unreadable: string[] = [];
  let isCommitted = false;
  for (const text of rest) {
    const parsed = line.safeParse(parseJson(text));
    if (!parsed.success) unreadable.push(text);
    else if ('undo' in parsed.data) steps.push(step.parse(parsed.data));
    else isCommitted = true;
  }
  return { header: parsedHeader.data, steps, isCommitted, unreadable };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** One line of a journal, with its newline. */
export function formatLine(content: JournalHeader | JournalStep | { committed: string }): string {
  return `${JSON.stringify(content)}\n`;
}

/** A whole journal: what is left to undo after some of it was undone. */
export function formatJournal({ header, steps, unreadable }: JournalContent): string {
  return [
    formatLine(header),
    ...unreadable.map((text) => `${text}\n`),
    ...steps.map((entry) => formatLine(entry)),
  ].join('');
}
