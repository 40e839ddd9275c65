/** The same function, which finds out once: what it found is not asked for again, a failure is. */
export function once<Input, T>(find: (input: Input) => Promise<T>): (input: Input) => Promise<T> {
  let known: Promise<T> | undefined;
  return (input) => {
    known ??= find(input).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}
