import { createDecipheriv, createHash, type Hash, timingSafeEqual } from 'node:crypto';
import { armor, type Decrypter } from 'age-encryption';
import { CloneboxError } from '../core/errors.ts';
import type { SopsFile, SopsMetadata, Tree } from './sops-file.ts';

// What the sops program does for files whose key is encrypted to age: https://github.com/getsops/sops#encryption-protocol

/** What `mac_only_encrypted` begins with, so that it is never taken for the other kind: the SHA-256 of `sops`. */
const onlyEncrypted = createHash('sha256').update('sops').digest();

const encrypted = /^ENC\[AES256_GCM,data:([^,]*),iv:([^,]+),tag:([^,]+),type:(\w+)\]$/;

/** A value that was not encrypted and is not covered by the signature: anybody may have put it there. */
export const unsigned = Symbol('unsigned');

/**
 * The key of a file's values, by the first recipient that one of these identities is; `undefined` when none is. Fails
 * with `host-unable` when it is split among several groups: that takes the program.
 */
export async function openDataKey(
  { age, key_groups }: SopsMetadata,
  decrypter: Decrypter,
): Promise<Uint8Array | undefined> {
  const groups = key_groups ?? [];
  if (groups.length > 1) {
    throw new CloneboxError('host-unable', 'the key of the file is split among several groups', {
      hint: 'Install the sops program: it puts them together.',
    });
  }
  for (const { enc } of [...(age ?? []), ...(groups[0]?.age ?? [])]) {
    const key = await decrypter.decrypt(decodedArmor(enc)).catch(() => undefined);
    if (key !== undefined && key.length === 32) return key;
  }
  return undefined;
}

function decodedArmor(text: string): Uint8Array {
  try {
    return armor.decode(text);
  } catch {
    return new Uint8Array();
  }
}

/**
 * The tree of a file with its values decrypted, as bytes; what was not encrypted is as it was, or `unsigned`. Fails with `config-invalid` when something in
 * the file was changed by anything but SOPS: values, their order, or what was not encrypted.
 */
export function decryptSops({ tree, metadata }: SopsFile, key: Uint8Array, path: string): Tree {
  const changed = () =>
    new CloneboxError('config-invalid', `${path} was changed by something else than SOPS`, {
      hint: 'Restore it from where it came; or, if you changed it yourself, sops --ignore-mac shows what it holds.',
      facts: { path },
    });
  const mac = createHash('sha512');
  const isPartial = metadata.mac_only_encrypted === true;
  if (isPartial) mac.update(onlyEncrypted);
  try {
    const plain = walk(tree, [], { key, mac, isPartial });
    const told = opened(metadata.mac, key, metadata.lastmodified)?.bytes ?? new Uint8Array();
    const found = Buffer.from(mac.digest('hex').toUpperCase());
    if (told.length !== found.length || !timingSafeEqual(told, found)) throw changed();
    return plain;
  } catch (error) {
    if (error instanceof CloneboxError) throw error;
    // Of the cipher: its tag does not fit.
    throw changed();
  }
}

interface Walk {
  readonly key: Uint8Array;
  readonly mac: Hash;
  readonly isPartial: boolean;
}

function walk(node: Tree, path: readonly string[], walker: Walk): Tree {
  if (node instanceof Map) {
    return new Map(
      [...node].map(([key, inner]) => [`${key}`, walk(inner, [...path, `${key}`], walker)]),
    );
  }
  // A list has no name of its own in the path; a comment may stand in it as if it were a value.
  if (Array.isArray(node)) {
    return node.map((inner) => walk(inner, path, walker)).filter((inner) => inner !== comment);
  }
  return leaf(node, path, walker);
}

const comment = Symbol('comment');

function leaf(value: unknown, path: readonly string[], { key, mac, isPartial }: Walk): Tree {
  if (value === null) return null;
  const plain = typeof value === 'string' ? opened(value, key, `${path.join(':')}:`) : undefined;
  if (plain === undefined) {
    if (isPartial) return unsigned;
    mac.update(asSigned(value));
    return value;
  }
  if (plain.type === 'comment') return comment;
  mac.update(plain.bytes);
  // Python's way, which SOPS has kept.
  if (plain.type === 'bool') return Buffer.from(`${plain.bytes}`.toLowerCase());
  return plain.bytes;
}

/** A value of the file as bytes; `undefined` when it is not encrypted. Throws when it does not fit its place. */
function opened(
  value: string,
  key: Uint8Array,
  place: string,
): { type: string; bytes: Buffer } | undefined {
  const [, data = '', iv = '', tag = '', type = ''] = encrypted.exec(value) ?? [];
  if (type === '') return undefined;
  const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64'), {
    authTagLength: 16,
  });
  cipher.setAAD(Buffer.from(place));
  cipher.setAuthTag(Buffer.from(tag, 'base64'));
  return {
    type,
    bytes: Buffer.concat([cipher.update(Buffer.from(data, 'base64')), cipher.final()]),
  };
}

/** As Go writes what is not a text. */
function asSigned(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'boolean') return Buffer.from(value ? 'True' : 'False');
  return Buffer.from(`${value}`);
}
