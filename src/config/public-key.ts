const types =
  '(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh.com)';
const keyLine = new RegExp(`^${types} [A-Za-z0-9+/]{32,}={0,2}( [^\\p{Cc}]*)?$`, 'u');
/** A key of a type that is not taken: a certificate, or one that sshd gave up. */
const otherLine = /^[a-z0-9][a-z0-9@.-]{2,60} [A-Za-z0-9+/]{16,}={0,2}( [^\p{Cc}]*)?$/u;

/** Far more than anybody has. */
const mostKeys = 100;

/** The line of a `.pub` file: type, key, comment (sshd(8), AUTHORIZED_KEYS), without options. */
export function isPublicKey(line: string): boolean {
  return keyLine.test(line);
}

/** True for a text that somebody must not have meant to give away. */
export function isPrivateKey(text: string): boolean {
  return /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|^PuTTY-User-Key-File-|^SSH PRIVATE KEY FILE FORMAT/m.test(
    text,
  );
}

/**
 * The public keys of a text with one on each line, as `.pub` files, `ssh-add -L` and GitHub have them. Lines that are
 * empty or comments are left out, and so are keys of types that sshd takes no login by. Fails with a `RangeError` for
 * anything else, and never repeats it.
 */
export function parsePublicKeys(text: string): string[] {
  if (isPrivateKey(text)) throw new RangeError('holds a private key');
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const used = lines.filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of used) {
    if (isPublicKey(line) || otherLine.test(line)) continue;
    const number = lines.indexOf(line) + 1;
    throw new RangeError(`is not a list of public keys: line ${number} is none`);
  }
  const keys = [...new Set(used.filter(isPublicKey))];
  if (keys.length === 0) throw new RangeError('has no public key that a login takes');
  if (keys.length > mostKeys) throw new RangeError(`has more than ${mostKeys} keys`);
  return keys;
}
