/** What stands in the place of a secret. */
export const redacted = '[redacted]';

/** Too short to be a secret, and in too many other words. */
const shortest = 6;

const values = new Set<string>();

/** From now on this text leaves the process nowhere but where it belongs: `redact` takes it out of everything told. */
export function registerSecret(value: string): void {
  if (value.length >= shortest) values.add(value);
}

/** A text without registered secrets. */
export function redact(text: string): string {
  let clean = text;
  for (const value of values) clean = clean.replaceAll(value, redacted);
  return clean;
}
