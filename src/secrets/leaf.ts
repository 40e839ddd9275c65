import { CloneboxError } from '../core/errors.ts';

/**
 * The text of a value that a document holds: of numbers and truths as JSON writes them, of nothing the empty text.
 * Fails with `config-invalid`, naming `what`, for lists and maps, and for numbers that JavaScript cannot hold.
 */
export function leafText(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return `${value}`;
  if (value === null || value === undefined) return '';
  if (typeof value !== 'number') {
    throw new CloneboxError('config-invalid', `${what} is not one value but a group of values`, {
      hint: 'Name one of those in it.',
    });
  }
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new CloneboxError('config-invalid', `${what} is a number with too many digits`, {
      hint: 'Keep it as a text, in quotes.',
    });
  }
  return String(value);
}
