/**
 * A new operation id: 16 hexadecimal digits, 11 of the milliseconds since 1970 and 5 at random, so that ids sort by
 * time and two of one millisecond differ.
 */
export function newOperationId(now: number = Date.now()): string {
  const random = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) & 0xfffff;
  return `${now.toString(16).padStart(11, '0')}${random.toString(16).padStart(5, '0')}`;
}

/** The time in an operation id, in milliseconds since 1970. */
export function timeOfOperation(id: string): number {
  return Number.parseInt(id.slice(0, 11), 16);
}
