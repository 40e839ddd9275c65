import { redacted, registerSecret } from '../lib/redact.ts';

/** A text or bytes that are told nowhere: however it is printed, it says `[redacted]`. */
export interface Secret {
  /** The text itself. Throws a `RangeError` when the bytes are no UTF-8. */
  reveal(): string;
  /** The bytes themselves, whatever they are. With `reveal`, the only way out. */
  bytes(): Uint8Array;
  toString(): string;
  toJSON(): string;
}

/** Wraps what nobody else may see, and has it redacted by its value from now on. */
export function createSecret(value: string | Uint8Array): Secret {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  const text = typeof value === 'string' ? value : decoded(value);
  if (text !== undefined) registerSecret(text);
  const told = () => redacted;
  return Object.freeze({
    reveal: () => {
      if (text === undefined) throw new RangeError('is no text: its bytes are not UTF-8');
      return text;
    },
    bytes: () => bytes,
    toString: told,
    toJSON: told,
    [Symbol.toPrimitive]: told,
    [Symbol.for('nodejs.util.inspect.custom')]: told,
  });
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
