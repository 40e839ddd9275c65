import { printable } from '../lib/printable.ts';

const reference = /\$\$|\$\{([^}]*)\}?/g;
const nameOnly = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** True when a text has something to expand. */
export function hasVariable(text: string): boolean {
  return /\$\$|\$\{/.test(text);
}

/** The variables that a text refers to. */
export function variablesOf(text: string): string[] {
  return [...text.matchAll(reference)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/** What is wrong with the references of a text, whatever the environment holds, or `undefined`. */
export function variableProblem(text: string): string | undefined {
  for (const [written, name] of text.matchAll(reference)) {
    if (name === undefined) continue;
    if (!written.endsWith('}')) return 'has a $ with { and no }: write $$ for a $';
    if (nameOnly.test(name)) continue;
    return `has ${printable(written)}: only \${NAME} is known, and $$ for a $`;
  }
  return undefined;
}

/**
 * A text with each `${NAME}` replaced from `env` and each `$$` by `$`; nothing else is special.
 * Throws a `RangeError` that names the variable when it is not set.
 */
export function expand(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(reference, (written: string, name: string | undefined) => {
    if (name === undefined) return '$';
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined) throw new RangeError(`refers to ${written}, which is not set`);
    return value;
  });
}
