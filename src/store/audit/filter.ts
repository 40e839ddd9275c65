import type { AuditRecord } from './event.ts';

/** Which events are asked for; what is left out does not matter. */
export interface AuditFilter {
  /** Anywhere in a value, in this very case. */
  readonly text?: string | undefined;
  /** Names, or patterns such as `vm.*`; one of them. */
  readonly events?: readonly string[] | undefined;
  readonly outcomes?: readonly string[] | undefined;
  /** Who did it, or who had logged in. */
  readonly user?: string | undefined;
  readonly vm?: string | undefined;
  /** Milliseconds since 1970, both included. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** The beginning or the end of an id. */
  readonly id?: string | undefined;
  readonly parent?: string | undefined;
  readonly correlation?: string | undefined;
}

/** A filter made ready: first for bytes, then for what they mean. */
export interface PreparedFilter {
  /** A line has one of the byte strings of each of these, or it is not asked for. */
  readonly needles: readonly (readonly Buffer[])[];
  accepts(record: AuditRecord): boolean;
}

/** Makes a filter ready. What its needles let through is still to be asked `accepts`. */
export function prepareFilter(filter: AuditFilter): PreparedFilter {
  const conditions = conditionsOf(filter);
  return {
    needles: conditions.flatMap(({ needles }) => (needles === undefined ? [] : [needles])),
    accepts: (record) => conditions.every((condition) => condition.accepts(record)),
  };
}

interface Condition {
  readonly needles?: readonly Buffer[];
  accepts(record: AuditRecord): boolean;
}

function conditionsOf(filter: AuditFilter): Condition[] {
  const { text, events, outcomes, user, vm, id, parent, correlation } = filter;
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter;
  return [
    ...whenGiven(id, (part) => ({
      needles: [Buffer.from(`"id":"${inner(part)}`), Buffer.from(`${inner(part)}","time":"`)],
      accepts: (record) => record.id.startsWith(part) || record.id.endsWith(part),
    })),
    ...whenGiven(vm, (name) => ({
      needles: [Buffer.from(`"target":{"type":"vm","name":${JSON.stringify(name)}`)],
      accepts: ({ target }) => target?.type === 'vm' && target.name === name,
    })),
    ...whenGiven(events, (names) => ({
      needles: names.map((name) => Buffer.from(`"event":"${inner(name.replace(/\*$/, ''))}`)),
      accepts: ({ event }) => names.some((name) => matchesEvent(name, event)),
    })),
    ...whenGiven(outcomes, (some) => ({
      needles: some.map((outcome) => Buffer.from(`"outcome":${JSON.stringify(outcome)}`)),
      accepts: ({ outcome }) => some.includes(outcome),
    })),
    ...whenGiven(user, (name) => ({
      needles: ['user', 'login'].map((key) => Buffer.from(`"${key}":${JSON.stringify(name)}`)),
      accepts: ({ actor }) => actor.user === name || actor.login === name,
    })),
    ...whenGiven(parent, (value) => ({
      needles: [Buffer.from(`"parent":${JSON.stringify(value)}`)],
      accepts: (record) => record.parent === value,
    })),
    ...whenGiven(correlation, (value) => ({
      needles: [Buffer.from(`"correlation":${JSON.stringify(value)}`)],
      accepts: (record) => record.correlation === value,
    })),
    ...whenGiven(text, (part) => ({
      needles: [Buffer.from(inner(part))],
      accepts: ({ seq: _seq, prev: _prev, hash: _hash, ...told }) => hasText(told, part),
    })),
    {
      accepts: (record) => {
        const time = Date.parse(record.time);
        return time >= since && time <= until;
      },
    },
  ];
}

function whenGiven<T>(value: T | undefined, condition: (value: T) => Condition): Condition[] {
  return value === undefined ? [] : [condition(value)];
}

/** A text as it stands in a line, without its quotes. */
function inner(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** True for the event itself, and for one below `ROOM.*`. */
export function matchesEvent(pattern: string, event: string): boolean {
  return pattern.endsWith('*') ? event.startsWith(pattern.slice(0, -1)) : event === pattern;
}

function hasText(value: unknown, part: string): boolean {
  if (typeof value === 'object' && value !== null) {
    return Object.values(value).some((one) => hasText(one, part));
  }
  return value !== null && String(value).includes(part);
}
