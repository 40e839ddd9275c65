import { redacted, registerSecret } from '../lib/redact.ts';

/** A text that is told nowhere: however it is printed, it says `[redacted]`. */
export interface Secret {
  /** The text itself: the only way out. */
  reveal(): string;
  toString(): string;
  toJSON(): string;
}

/** Wraps a text that nobody else may see, and has it redacted by its value from now on. */
export function createSecret(value: string): Secret {
  registerSecret(value);
  const told = () => redacted;
  return Object.freeze({
    reveal: () => value,
    toString: told,
    toJSON: told,
    [Symbol.toPrimitive]: told,
    [Symbol.for('nodejs.util.inspect.custom')]: told,
  });
}
