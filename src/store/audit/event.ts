import * as z from 'zod';

const text = z.string();
const orNull = z.string().nullable();

// Loose, and with texts for what later versions may add to: a log is read by older programs too.
const line = z.looseObject({
  seq: z.int(),
  prev: text,
  id: text,
  time: text,
  event: text,
  outcome: text,
  actor: z.looseObject({
    user: text,
    uid: z.int(),
    login: orNull,
    host: text,
    pid: z.int(),
    remote: orNull,
  }),
  target: z.looseObject({ type: text, name: text }).nullable(),
  durationMs: z.number(),
  correlation: text,
  parent: orNull,
  details: z.record(z.string(), z.unknown()),
  error: z.looseObject({ code: text, message: text }).nullable(),
  hash: text,
});

/** A line of the log as it is read: what was written as `AuditEntry`, with the links of the chain. */
export type AuditRecord = Readonly<z.infer<typeof line>>;

/** Reads a line; `undefined` when it is none of the log's. */
export function parseRecord(json: string): AuditRecord | undefined {
  try {
    return line.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
