import { type AuditOutcome, auditEvents, auditOutcomes } from '../../core/audit.ts';
import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError, reasonOf } from '../../core/errors.ts';
import { nearest } from '../../lib/near.ts';
import { parseTime } from '../../lib/parse-time.ts';
import { quoted } from '../../lib/printable.ts';
import type { AuditFilter } from '../../ops/audit/query.ts';
import { countOption, nameOption, textOption } from '../common.ts';
import type { OptionValues, Values } from '../option.ts';

const eventOption: Values<string> = {
  kind: 'values',
  value: 'EVENT',
  summary: 'such as vm.create or vm.*; may be repeated',
  parse: parseEvent,
};

const outcomeOption: Values<AuditOutcome> = {
  kind: 'values',
  value: 'OUTCOME',
  summary: `${auditOutcomes.join(', ')}; may be repeated`,
  parse: parseOutcome,
};

/** The time of the events. */
export const timeOptions = {
  since: textOption('WHEN', '2h, "1 week ago", 2026-01-31, "yesterday at 5pm"'),
  until: textOption('WHEN', 'likewise; a day counts to its end'),
};

/** What the events are about. */
export const aboutOptions = {
  event: eventOption,
  user: textOption('USER', 'who did it, or who had logged in'),
  vm: nameOption('what was done to this VM'),
};

export const outcomeOptions = { outcome: outcomeOption };

export const limitOption = countOption('newest events to show; default: 50', 1);
export const usualLimit = 50;

type Given = Partial<
  OptionValues<typeof timeOptions & typeof aboutOptions & typeof outcomeOptions>
>;

/** The filter that the options of a command line mean. Fails with `usage` for a time that is none. */
export async function readFilter(ctx: Ctx, given: Given): Promise<AuditFilter> {
  const now = ctx.host.now();
  const since = await readTime('--since', given.since, { now, edge: 'start' });
  const until = await readTime('--until', given.until, { now, edge: 'end' });
  if (since !== undefined && since > now) {
    throw timeError('--since', given.since, 'has not come yet');
  }
  if (since !== undefined && until !== undefined && since > until) {
    throw timeError('--until', given.until, 'is before --since');
  }
  return {
    since,
    until,
    user: given.user,
    vm: given.vm,
    events: unlessNone(given.event),
    outcomes: unlessNone(given.outcome),
  };
}

async function readTime(
  name: string,
  text: string | undefined,
  options: { now: number; edge: 'start' | 'end' },
): Promise<number | undefined> {
  if (text === undefined) return undefined;
  try {
    return await parseTime(text, options);
  } catch (error) {
    if (error instanceof RangeError) throw timeError(name, text, reasonOf(error));
    throw error;
  }
}

function timeError(name: string, text = '', problem: string): CloneboxError {
  return new CloneboxError('usage', `${name}: ${quoted(text)} ${problem}`, {
    hint: 'Times are for example 2h, "1 week ago", 2026-01-31, 2026-01-31T17:00Z or "yesterday at 5pm".',
    facts: { name, value: text },
  });
}

function unlessNone<T>(values: readonly T[] | undefined): readonly T[] | undefined {
  return values === undefined || values.length === 0 ? undefined : values;
}

function parseEvent(text: string): string {
  const rooms = new Set(auditEvents.map((event) => `${event.split('.')[0]}.*`));
  const known = [...auditEvents, ...rooms];
  const isPattern =
    text.endsWith('*') && auditEvents.some((one) => one.startsWith(text.slice(0, -1)));
  if (isPattern || known.includes(text)) return text;
  throw unknownWord('--event', text, known);
}

function parseOutcome(text: string): AuditOutcome {
  const outcome = auditOutcomes.find((one) => one === text);
  if (outcome === undefined) throw unknownWord('--outcome', text, auditOutcomes);
  return outcome;
}

function unknownWord(option: string, word: string, known: readonly string[]): CloneboxError {
  const near = nearest(word, known);
  return new CloneboxError('usage', `${option}: there is no ${quoted(word)}`, {
    hint: near ? `Did you mean: ${option} ${near}` : `Known are: ${known.join(', ')}`,
    facts: { option, word, known, ...(near && { near }) },
  });
}
