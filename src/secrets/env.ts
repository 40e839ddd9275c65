import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { createSecret, type Secret } from '../core/secret.ts';
import type { SecretDeps, SecretSource } from '../core/secrets.ts';
import { parseDotenv } from './dotenv.ts';
import { decodeText, isOpenToOthers, placeOf, readSecretFile } from './secret-file.ts';

type Variables = ReadonlyMap<string, string>;

/** The project's files, in the order in which they are asked. CloneBox's own is for nothing but secrets. */
const files = [
  { file: '.clonebox.env', isPrivate: true },
  { file: '.env', isPrivate: false },
] as const;

/** Variables of this process, then those of the project's `.clonebox.env`, then of its `.env`. */
export function openEnv(deps: SecretDeps): SecretSource {
  const { host, project } = deps;
  const read = new Map<string, Promise<Variables>>();
  const variablesOf = (file: (typeof files)[number], io: Io) => {
    const known = read.get(file.file) ?? readVariables(file, deps, io);
    read.set(file.file, known);
    return known;
  };
  const places = project === undefined ? [] : files;
  return {
    where: ['the environment', ...places.map(({ file }) => `${project?.path}/${file}`)].join(
      ', then ',
    ),
    get: async (key, io) => {
      io.signal.throwIfAborted();
      const own = fromEnvironment(host.env, key);
      if (own !== undefined) return own;
      for (const place of places) {
        const value = (await variablesOf(place, io)).get(key);
        io.signal.throwIfAborted();
        if (value !== undefined) return createSecret(value);
      }
      return undefined;
    },
  };
}

function fromEnvironment(env: Host['env'], key: string): Secret | undefined {
  const value = Object.hasOwn(env, key) ? env[key] : undefined;
  // Node has put this in the place of bytes that are no text: the value is lost.
  if (value?.includes('\uFFFD')) {
    throw new CloneboxError('refused', `the environment variable ${key} is not UTF-8 text`, {
      hint: 'Keep secrets that are no text in Vault, or have a command say them.',
      facts: { key },
    });
  }
  return value === undefined ? undefined : createSecret(value);
}

async function readVariables(
  { file, isPrivate }: (typeof files)[number],
  deps: SecretDeps,
  io: Io,
): Promise<Variables> {
  const path = await placeOf(file, deps);
  const found = await readSecretFile(path, deps, { what: 'the file', isPrivate });
  if (found === undefined) return new Map();
  // Other programs read .env too, and many make it: what is wrong with it is only said.
  if (!isPrivate && isOpenToOthers(found.mode)) {
    io.emit({
      kind: 'note',
      text: `${path} is open to other users of this computer: chmod 600 ${path}`,
    });
  }
  return parseDotenv(decodeText(found.bytes, `the file ${path}`), path);
}
