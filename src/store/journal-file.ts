import * as z from 'zod';
import { auditEvents, auditOutcomes } from '../core/audit.ts';
import type { Ending, Finish, OperationFacts, Undo } from '../core/store.ts';
import { vmName, vmRecord } from './record-schema.ts';

// journal/ID.jsonl: a header; one line per step, written and synced before the step runs; perhaps the decision; at
// last how it ended.

const facts = z.object({
  id: z.string(),
  event: z.enum(auditEvents),
  actor: z.object({
    user: z.string(),
    uid: z.int(),
    login: z.nullable(z.string()),
    host: z.string(),
    pid: z.int(),
    remote: z.nullable(z.string()),
  }),
  target: z.nullable(
    z.object({ type: z.enum(['vm', 'image', 'template', 'config', 'system']), name: z.string() }),
  ),
  correlation: z.string(),
  parent: z.nullable(z.string()),
  details: z.record(z.string(), z.unknown()),
}) satisfies z.ZodType<OperationFacts>;

const header = z.looseObject({
  facts,
  vm: z.exactOptional(vmName),
  pid: z.int(),
  startTime: z.number(),
  command: z.string(),
  /** ISO 8601, UTC. */
  started: z.string(),
  /** The process may live on, but gave up: its rollback or its finish failed. */
  abandoned: z.exactOptional(z.literal(true)),
});

const undo = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('remove-path'), path: z.string() }),
  z.object({ kind: z.literal('sweep-drafts'), directory: z.string() }),
  z.object({ kind: z.literal('stop-machine'), driver: z.string(), name: vmName }),
  z.object({ kind: z.literal('release-leases'), name: vmName }),
  z.object({ kind: z.literal('sync-ports'), name: vmName }),
  z.object({ kind: z.literal('sync-keys'), name: vmName }),
  z.object({ kind: z.literal('drop-password'), name: vmName }),
  z.object({ kind: z.literal('sweep-images') }),
  z.object({ kind: z.literal('sweep-templates') }),
]) satisfies z.ZodType<Undo>;

const finish = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('write-record'), record: vmRecord }),
  z.object({
    kind: z.literal('stop-machine'),
    driver: z.string(),
    name: vmName,
    grace: z.number(),
  }),
  z.object({ kind: z.literal('trash-vm'), driver: z.string(), name: vmName, to: z.string() }),
  z.object({ kind: z.literal('purge-vm'), driver: z.string(), name: vmName }),
  z.object({ kind: z.literal('end-member'), driver: z.string(), name: vmName }),
  z.object({ kind: z.literal('restore-vm'), name: vmName, from: z.string() }),
  z.object({ kind: z.literal('rotate-key'), name: vmName }),
  z.object({
    kind: z.literal('set-password'),
    name: vmName,
    user: z.string(),
    expire: z.boolean(),
  }),
  z.object({
    kind: z.literal('swap-vm'),
    driver: z.string(),
    name: vmName,
    beside: vmName,
    record: vmRecord,
    to: z.string(),
  }),
]) satisfies z.ZodType<Finish>;

/** Why an undo or finish that was tried did not work. */
const failed = z.exactOptional(z.string());
const step = z.looseObject({ title: z.string(), undo, failed });
const decision = z.looseObject({ title: z.string(), finish, failed });
const ending = z.looseObject({
  ended: z.object({
    outcome: z.enum(auditOutcomes),
    error: z.nullable(z.object({ code: z.string(), message: z.string() })),
  }),
  /** A later process ended it: the id of the line that tells so in the audit log. */
  recovery: z.exactOptional(z.string()),
});

const line = z.union([ending, decision, step]);

export type JournalHeader = z.infer<typeof header>;
export type JournalStep = z.infer<typeof step>;
export interface JournalDecision {
  readonly title: string;
  readonly finish: Finish;
  readonly failed?: string;
}

/** A journal as far as it reached the disk. */
export interface JournalContent {
  readonly header: JournalHeader;
  readonly steps: readonly JournalStep[];
  /** Once there is one, nothing is undone any more. */
  readonly decision?: JournalDecision | undefined;
  /** It is over, and waits only for its line in the audit log. */
  readonly ended?: Ending | undefined;
  readonly recovery?: string | undefined;
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
  let decided: JournalDecision | undefined;
  let ended: z.infer<typeof ending> | undefined;
  for (const text of rest) {
    const parsed = line.safeParse(parseJson(text));
    if (!parsed.success) unreadable.push(text);
    else if ('ended' in parsed.data) ended = ending.parse(parsed.data);
    else if ('finish' in parsed.data) decided = decision.parse(parsed.data);
    else steps.push(step.parse(parsed.data));
  }
  return {
    header: parsedHeader.data,
    steps,
    decision: decided,
    ended: ended?.ended,
    recovery: ended?.recovery,
    unreadable,
  };
}

/** A line that cannot be read and may have been a decision: then nothing may be undone. */
export function perhapsDecided({ unreadable }: JournalContent): string | undefined {
  return unreadable.find((text) => {
    const json = parseJson(text);
    return typeof json !== 'object' || json === null || !('undo' in json);
  });
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** One line of a journal, with its newline. */
export function formatLine(
  content:
    | JournalHeader
    | JournalStep
    | JournalDecision
    | { ended: Ending; recovery?: string | undefined },
): string {
  return `${JSON.stringify(content)}\n`;
}

/** A whole journal: what is left to do after some of it was done. */
export function formatJournal(content: JournalContent): string {
  const { header, steps, decision, ended, recovery, unreadable } = content;
  return [
    formatLine(header),
    ...unreadable.map((text) => `${text}\n`),
    ...steps.map((entry) => formatLine(entry)),
    ...(decision ? [formatLine(decision)] : []),
    ...(ended ? [formatLine({ ended, recovery })] : []),
  ].join('');
}
