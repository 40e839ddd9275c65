/** An option that is there or not. `negated` ones are written `--no-NAME` and true unless given. */
export interface Flag {
  readonly kind: 'flag';
  readonly summary: string;
  readonly short?: string;
  readonly negated?: true;
}

/** An option with a value. `parse` throws a `RangeError` or a `CloneboxError` for text it does not take. */
export interface Value<T> {
  readonly kind: 'value';
  /** How help names the value: `SIZE`. */
  readonly value: string;
  readonly summary: string;
  readonly short?: string;
  readonly parse: (text: string) => T;
}

/** An option that may be repeated; all its values, in order. */
export interface Values<T> {
  readonly kind: 'values';
  readonly value: string;
  readonly summary: string;
  readonly short?: string;
  readonly parse: (text: string) => T;
}

export type OptionSpec = Flag | Value<unknown> | Values<unknown>;
/** Keys are camelCase; the command line has them in kebab-case. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export type OptionValues<S extends OptionSpecs> = {
  readonly [K in keyof S]: S[K] extends Flag
    ? boolean
    : S[K] extends Values<infer T>
      ? readonly T[]
      : S[K] extends Value<infer T>
        ? T | undefined
        : never;
};

/** `keepFailed` as users write it: `--keep-failed`. */
export function longName(key: string, spec: OptionSpec): string {
  const kebab = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return spec.kind === 'flag' && spec.negated ? `--no-${kebab}` : `--${kebab}`;
}
