import { randomInt } from 'node:crypto';
import { createSecret, type Secret } from '../core/secret.ts';

/** The letters of a salt (crypt(5)). */
const saltAlphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** What of a password goes into the guest: sha512-crypt (`$6$`) with a salt of its own. The hash is nobody's business either. */
export async function hashPassword(password: Secret): Promise<Secret> {
  const { encrypt } = await import('unixcrypt');
  const letter = () => saltAlphabet[randomInt(saltAlphabet.length)] ?? '';
  const salt = Array.from({ length: 16 }, letter).join('');
  return createSecret(encrypt(password.reveal(), `$6$${salt}`));
}
