import * as z from 'zod';
import { formatAllowedHost, parseAllowedHost } from '../core/allowed-host.ts';
import { reasonOf } from '../core/errors.ts';
import { namePattern, slug, type VmName } from '../core/name.ts';
import { exactBytes, parseBytes } from '../lib/bytes.ts';
import { nearest } from '../lib/near.ts';
import { quoted } from '../lib/printable.ts';
import { parseKeySource } from './key-source.ts';
import { isPrivateKey, isPublicKey } from './public-key.ts';

/** Says why a text is not what it must be, or `undefined` when it is. A hint tells what to write instead. */
type Check = (text: string) => string | { message: string; hint: string } | undefined;

/** A text that passes a check. */
export function text(check: Check) {
  return z.string().superRefine((value, context) => {
    const fault = check(value);
    if (typeof fault === 'string') context.addIssue({ code: 'custom', message: fault });
    else if (fault) {
      context.addIssue({ code: 'custom', message: fault.message, params: { hint: fault.hint } });
    }
  });
}

/** A text that a parser understands; the parser throws a `RangeError` that says what is wrong. */
export function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
}

/** A text of a known grammar. */
function shaped(pattern: RegExp, what: string) {
  const check: Check = (value) =>
    pattern.test(value) ? undefined : `${quoted(value)} is not ${what}`;
  return text(check).meta({ pattern: pattern.source });
}

/** One of a few words; those of `later` are understood, and not available yet. */
export function oneOf<const T extends string>(words: readonly T[], later: readonly string[] = []) {
  return text((value) => {
    if (words.some((word) => word === value)) return undefined;
    if (later.includes(value)) return `${value} is not available yet`;
    const message = `must be ${orList(words)}, not ${quoted(value)}`;
    const near = nearest(value, words);
    return near ? { message, hint: didYouMean(near) } : message;
  })
    .meta({ enum: [...words] })
    .transform((value) => value as T);
}

/** The hint that names a near word. */
export function didYouMean(word: string): string {
  return `did you mean \`${word}\`?`;
}

function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

/** A key that no CloneBox of this version does anything with: only what would have no effect is accepted. */
export function reserved(harmless: z.ZodType) {
  return z
    .unknown()
    .superRefine((value, context) => {
      if (value === null || harmless.safeParse(value).success) return;
      context.addIssue({ code: 'custom', message: 'is not available yet' });
    })
    .transform((): undefined => undefined);
}

/** A list in which nothing stands twice. `keysOf` says by what two items are told apart; they may differ in some only. */
export function unique<T extends z.ZodType>(item: T, keysOf: (value: string) => string[]) {
  return z.array(item).superRefine(
    (values, context) => {
      const seen = new Map<string, number>();
      for (const [index, value] of values.entries()) {
        const keys =
          typeof value === 'string' || typeof value === 'number' ? keysOf(`${value}`) : [];
        const twice = keys.find((key) => seen.has(key));
        for (const key of keys) seen.set(key, index);
        if (twice === undefined) continue;
        context.addIssue({ code: 'custom', message: `${twice} stands here twice`, path: [index] });
      }
    },
    // Also when another item is wrong: all problems are told at once.
    { when: ({ value }) => Array.isArray(value) },
  );
}

/** A whole number within bounds, both included. */
export function wholeNumber(least: number, most: number) {
  const message = `must be between ${least} and ${most}`;
  return z.int().min(least, message).max(most, message);
}

const MiB = 1024 ** 2;

/** A size within bounds (bytes), rounded to whole MiB. */
export function size(least: number, most: number) {
  return parsed((value) => {
    const bytes = Math.round(parseBytes(value) / MiB) * MiB;
    if (bytes >= least && bytes <= most) return bytes;
    throw new RangeError(`must be between ${exactBytes(least)} and ${exactBytes(most)}`);
  });
}

export const vmName = text((value) => {
  if (namePattern.test(value)) return undefined;
  const message = `${quoted(value)} is not a name: 1 to 63 of a-z, 0-9 and '-'`;
  const near = slug(value);
  return near ? { message, hint: didYouMean(near) } : message;
}).transform((value) => value as VmName);

const profileName = shaped(namePattern, "the name of a profile: a-z, 0-9 and '-'");
export const profileNames = unique(profileName, (value) => [value]).max(
  50,
  'names more than 50 profiles',
);

/** The name of a run unit: it also names the unit's port, beside `ssh` and ports without a name. */
export const runName = text((value) => {
  if (!namePattern.test(value)) return `${quoted(value)} is not a name: a-z, 0-9 and '-'`;
  return isPortName(value) ? `${value} is the name of a port already` : undefined;
});

function isPortName(value: string): boolean {
  return value === 'ssh' || /^\d+$/.test(value);
}

export function isRunName(value: string): boolean {
  return namePattern.test(value) && !isPortName(value);
}

export const userName = shaped(/^[a-z_][a-z0-9_-]{0,31}$/, 'the name of a user');
export const variableName = shaped(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable');
export const snapName = shaped(
  /^(?=.{1,40}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/,
  'the name of a snap',
);
export const serviceName = shaped(/^[A-Za-z0-9@_.:][A-Za-z0-9@_.:\\-]{0,254}$/, 'a systemd unit');

/** Debian policy 5.6.1 and 5.6.12. A name that ends in `-` would make apt remove the package. */
const packagePattern = /^[a-z0-9][a-z0-9+.-]*[a-z0-9+.](=[A-Za-z0-9][A-Za-z0-9.+~:-]*)?$/;

/** `NAME` or `NAME=VERSION`. */
export function isPackageName(value: string): boolean {
  return packagePattern.test(value);
}

export const packageName = shaped(packagePattern, 'a package: NAME or NAME=VERSION');

/** As `packageName`, without a version. */
export const barePackageName = shaped(
  /^[a-z0-9][a-z0-9+.-]*[a-z0-9+.]$/,
  'the name of a package, without a version',
);

/** An entry of `network.allow`, in its one form. */
export const allowedHost = parsed((value) => formatAllowedHost(parseAllowedHost(value)));

/** Any text that can be an argument or a variable's value. */
export const word = text((value) => (value.includes('\0') ? 'holds a zero byte' : undefined));
export const filledWord = text((value) => {
  if (value.trim() === '') return 'is empty';
  return value.includes('\0') ? 'holds a zero byte' : undefined;
});

/** The line of a `.pub` file. */
export const publicKey = text((value) => {
  if (isPublicKey(value.trim())) return undefined;
  if (isPrivateKey(value)) return 'is a private key, and CloneBox takes none';
  return 'is not a public key: the line of a .pub file';
}).transform((value) => value.trim());

/** A public key, or where some are. */
export const keySource = text((value) => {
  try {
    parseKeySource(value);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}).transform((value) => value.trim());

/** How an image may be written; whether there is one is for the image room to say. */
export const image = text((value) => {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) {
    if (/#sha256:[0-9a-f]{64}$/i.test(value)) return undefined;
    return 'is a URL without the digest of its file: append #sha256:HEX';
  }
  if (/^[^\0]*\/[^\0]*$|^[.~][^\0]*$/.test(value)) return undefined;
  if (/^[a-z0-9][a-z0-9._:-]*$/.test(value)) return undefined;
  return `${quoted(value)} is not an image: write for example auto, debian:12 or a path`;
});
