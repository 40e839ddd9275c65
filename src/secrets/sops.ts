import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import { createSecret, type Secret } from '../core/secret.ts';
import type { SecretDeps, SecretSource } from '../core/secrets.ts';
import { ageDecrypter, configDirectory, readAgeIdentities } from './age-identities.ts';
import { leafText } from './leaf.ts';
import { once } from './once.ts';
import { placeOf, readSecretFile, readSecretText } from './secret-file.ts';
import { decryptSops, openDataKey, unsigned } from './sops-decrypt.ts';
import { formatOf, parseSopsFile, type SopsFile, type Tree } from './sops-file.ts';
import type { SopsOptions } from './sops-options.ts';
import { runSops } from './sops-program.ts';
import { requireNoGuest } from './vault-place.ts';

/**
 * A file encrypted by SOPS: by the sops program where there is one, else, when its key is encrypted to age, by
 * CloneBox itself. Keys are names with dots between: `db.password`, `list.0`. It is decrypted at the first question,
 * and once.
 */
export async function openSops(options: SopsOptions, deps: SecretDeps): Promise<SecretSource> {
  const place = await placeOf(options.file, deps);
  const format = options.format ?? formatOf(place);
  const tree = once(async (io: Io) => {
    const text = await readText(place, deps);
    const file = parseSopsFile(text, format, place);
    const program = await deps.host.which('sops');
    if (program === undefined) return decryptHere(file, place, deps);
    await refuseStrangers(file, place, deps);
    await refuseLooseKeys(deps);
    const usesVault = file.vaults.length > 0;
    return runSops({ program, text, path: place, format, usesVault }, deps.host, io);
  });
  return {
    where: `the SOPS file ${place}`,
    get: async (key, io) => {
      io.signal.throwIfAborted();
      const found = find(await tree(io), key);
      io.signal.throwIfAborted();
      return found === undefined ? undefined : secretOf(found, key, place);
    },
  };
}

async function readText(place: string, deps: SecretDeps): Promise<string> {
  const text = await readSecretText(place, deps, { what: 'the SOPS file', isPrivate: false });
  if (text !== undefined) return text;
  throw new CloneboxError('config-invalid', `the SOPS file ${place} is not there`, {
    hint: 'Look at secrets.sops.file, or make it with `sops FILE`.',
    facts: { path: place },
  });
}

/** The program would send the user's token to whatever address the file names. */
async function refuseStrangers(
  { vaults }: SopsFile,
  place: string,
  deps: SecretDeps,
): Promise<void> {
  const stranger = vaults.find((address) => !isSameServer(address, deps.host.env.VAULT_ADDR));
  if (stranger === undefined) {
    for (const address of vaults) await requireNoGuest(address, deps);
    return;
  }
  throw new CloneboxError(
    'refused',
    `${place} has its key at another Vault than yours: ${stranger}`,
    {
      hint: `If that is right, set VAULT_ADDR to it.`,
      facts: { path: place, address: stranger },
    },
  );
}

function isSameServer(address: string, own: string | undefined): boolean {
  if (!own || !URL.canParse(address) || !URL.canParse(own)) return false;
  return new URL(address).origin === new URL(own).origin;
}

async function decryptHere(file: SopsFile, place: string, deps: SecretDeps): Promise<Tree> {
  const tried: string[] = [];
  for (const { name, read } of keysOf(deps)) {
    const decrypter = await read();
    if (decrypter === undefined) continue;
    tried.push(name);
    const key = await openDataKey(file.metadata, decrypter);
    if (key !== undefined) return decryptSops(file, key, place);
  }
  const groups = [file.metadata, ...(file.metadata.key_groups ?? [])];
  if (groups.every(({ age }) => (age ?? []).length === 0)) {
    throw new CloneboxError(
      'host-unable',
      `${place} has no key for age, and sops is not installed`,
      {
        hint: 'Install the sops program, or have the file encrypted to an age recipient too.',
        facts: { path: place },
      },
    );
  }
  const looked =
    tried.length === 0 ? 'there is no age identity' : `it is not for ${tried.join(', ')}`;
  throw new CloneboxError('refused', `${place} cannot be decrypted: ${looked}`, {
    hint: `Set SOPS_AGE_KEY_FILE, or put the identity into ${usualKeys(deps)}.`,
    facts: { path: place, tried },
  });
}

/** Where SOPS itself looks for identities of age. */
function keysOf(deps: SecretDeps) {
  const { SOPS_AGE_KEY: text, SOPS_AGE_KEY_FILE: file } = deps.host.env;
  const files = [file, usualKeys(deps)].filter((path) => path !== undefined && path !== '');
  return [
    ...(text
      ? [{ name: 'SOPS_AGE_KEY', read: async () => ageDecrypter(text, 'SOPS_AGE_KEY') }]
      : []),
    ...(files as string[]).map((path) => ({
      name: path,
      read: () => readAgeIdentities(path, deps),
    })),
  ];
}

function usualKeys({ host }: Pick<SecretDeps, 'host'>): string {
  return `${configDirectory(host)}/sops/age/keys.txt`;
}

/** The program would not mind. */
async function refuseLooseKeys(deps: SecretDeps): Promise<void> {
  const path = deps.host.env.SOPS_AGE_KEY_FILE || usualKeys(deps);
  await readSecretFile(path, deps, { what: 'the age identity', isPrivate: true });
}

/** What a key names: a name of the top as it is, else step by step. */
function find(tree: Tree, key: string): Tree | undefined {
  if (tree instanceof Map && tree.has(key)) return tree.get(key);
  let node: Tree = tree;
  for (const step of key.split('.')) {
    if (node instanceof Map && node.has(step)) node = node.get(step);
    else if (Array.isArray(node) && /^\d+$/.test(step) && Number(step) < node.length) {
      node = node[Number(step)];
    } else return undefined;
  }
  return node;
}

function secretOf(found: Tree, key: string, place: string): Secret {
  if (found instanceof Uint8Array) return createSecret(found);
  if (found !== unsigned) return createSecret(leafText(found, `${key} in ${place}`));
  throw new CloneboxError('config-invalid', `${key} in ${place} is not encrypted, nor signed`, {
    hint: 'The file is signed for its encrypted values alone (mac_only_encrypted). Encrypt it too.',
    facts: { path: place, key },
  });
}
