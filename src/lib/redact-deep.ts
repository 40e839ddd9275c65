import { isSecretName, redact, redacted } from './redact.ts';

type Redacted = string | number | boolean | null | Redacted[] | { [key: string]: Redacted };

/** Deeper than any fact: what is below is cut off. */
const deepest = 12;

/**
 * A copy of any value as plain data for JSON, without secrets: by their value in every text, keys too, and whatever a
 * key such as `password` or `apiToken` holds. Errors become their message, what JSON has no form for becomes text.
 */
export function redactDeep(value: unknown): Redacted {
  return copy(value, []) ?? null;
}

/** `redactDeep` of facts. */
export function redactFacts(facts: Readonly<Record<string, unknown>>): Record<string, Redacted> {
  return redactDeep(facts) as Record<string, Redacted>;
}

/** `undefined` for what JSON leaves out. */
function copy(value: unknown, around: readonly unknown[]): Redacted | undefined {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return redact(value.toString());
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return undefined;
  if (around.includes(value)) return '[circular]';
  if (around.length > deepest) return '[too deep]';
  return copyObject(value, [...around, value]);
}

function copyObject(value: object, around: readonly unknown[]): Redacted | undefined {
  if (value instanceof Error) return redact(value.message);
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return copy(value.toJSON(), [...around, value]);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.map((one) => copy(one, around) ?? null);
  if (value instanceof Set) return [...value].map((one) => copy(one, around) ?? null);
  const pairs = value instanceof Map ? [...value.entries()] : Object.entries(value);
  const copies = pairs.flatMap(([key, one]) => {
    const clean = isSecretName(String(key)) ? hidden(one) : copy(one, around);
    return clean === undefined ? [] : [[redact(String(key)), clean] as const];
  });
  return Object.fromEntries(copies);
}

/** That there is a secret, or none, may be told. */
function hidden(value: unknown): Redacted | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value;
  return value === '' ? '' : redacted;
}
