import { armor, type Decrypter } from 'age-encryption';
import { CloneboxError } from '../core/errors.ts';
import { createSecret } from '../core/secret.ts';
import type { SecretDeps, SecretSource } from '../core/secrets.ts';
import { configDirectory, readAgeIdentities } from './age-identities.ts';
import type { AgeOptions } from './age-options.ts';
import { parseDotenv } from './dotenv.ts';
import { once } from './once.ts';
import { decodeText, placeOf, readSecretFile } from './secret-file.ts';

/** Lines of NAME=VALUE in a file encrypted by age, armored or not. It is opened at the first question, and once. */
export async function openAge(options: AgeOptions, deps: SecretDeps): Promise<SecretSource> {
  const place = await placeOf(options.file, deps);
  const identity = await identityOf(options, deps);
  const variables = once(() => readVariables(place, identity, deps));
  return {
    where: `the age file ${place}`,
    get: async (key, io) => {
      io.signal.throwIfAborted();
      const value = (await variables(undefined)).get(key);
      io.signal.throwIfAborted();
      return value === undefined ? undefined : createSecret(value);
    },
  };
}

async function identityOf(options: AgeOptions, deps: SecretDeps): Promise<string> {
  const { AGE_IDENTITY: variable } = deps.host.env;
  if (options.identity !== undefined) return placeOf(options.identity, deps);
  if (!variable) return `${configDirectory(deps.host)}/age/keys.txt`;
  // A variable of the user's is about no project.
  if (/^~?\//.test(variable)) return placeOf(variable, deps);
  throw new CloneboxError('config-invalid', 'AGE_IDENTITY is not the path of a file', {
    hint: 'Set it to a path from / on.',
  });
}

async function readVariables(
  place: string,
  identity: string,
  deps: SecretDeps,
): Promise<ReadonlyMap<string, string>> {
  const file = await readSecretFile(place, deps, { what: 'the age file', isPrivate: false });
  if (file === undefined) {
    throw new CloneboxError('config-invalid', `the age file ${place} is not there`, {
      hint: 'Look at secrets.age.file, or make it: age -a -R RECIPIENTS -o FILE variables.env',
      facts: { path: place },
    });
  }
  const decrypter = await readAgeIdentities(identity, deps);
  if (decrypter === undefined) {
    throw new CloneboxError('refused', `there is no age identity ${identity} to open ${place}`, {
      hint: 'Name yours at secrets.age.identity or in AGE_IDENTITY, or make one with `age-keygen`.',
      facts: { path: place, identity },
    });
  }
  const plain = await opened(file.bytes, decrypter, { place, identity });
  return parseDotenv(decodeText(plain, `what is in ${place}`), place);
}

async function opened(
  bytes: Uint8Array,
  decrypter: Decrypter,
  { place, identity }: { place: string; identity: string },
): Promise<Uint8Array> {
  const facts = { path: place, identity };
  let binary: Uint8Array;
  try {
    const text = new TextDecoder('latin1').decode(bytes);
    binary = text.trimStart().startsWith('-----BEGIN AGE') ? armor.decode(text) : bytes;
  } catch {
    throw damaged(place);
  }
  if (!new TextDecoder('latin1').decode(binary.subarray(0, 32)).startsWith('age-encryption.org/')) {
    throw new CloneboxError('config-invalid', `${place} is not a file of age`, {
      hint: 'Encrypt it: age -a -R RECIPIENTS -o FILE variables.env',
      facts,
    });
  }
  try {
    await decrypter.decryptHeader(binary);
  } catch {
    throw new CloneboxError('refused', `the age identity ${identity} does not open ${place}`, {
      hint: 'Have it encrypted to your recipient too (age-keygen -y shows it), or name the right identity.',
      facts,
    });
  }
  try {
    return await decrypter.decrypt(binary);
  } catch {
    throw damaged(place);
  }
}

function damaged(place: string): CloneboxError {
  return new CloneboxError('config-invalid', `the age file ${place} is damaged`, {
    hint: 'Restore it, or encrypt it again.',
    facts: { path: place },
  });
}
