import type { DetectInput, DetectScope } from '../core/detect.ts';

/** What several detectors need is read once in a call of `detect`: the first that asks reads it for all. */
export function shareInCall<T>(
  read: (input: DetectInput) => Promise<T>,
): (input: DetectInput) => Promise<T> {
  const calls = new WeakMap<DetectScope, Promise<T>>();
  return (input) => {
    const known = calls.get(input.scope);
    if (known !== undefined) return known;
    const reading = read(input);
    calls.set(input.scope, reading);
    return reading;
  };
}
