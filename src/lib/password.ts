import { randomInt } from 'node:crypto';

/** Without the letters that are taken for others when they are read off a screen: 0 O o, 1 I i l. */
export const passwordAlphabet = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

const letters = 16;

/** A password of 16 letters, each as likely as any other (92 bits): `randomInt` draws again where a remainder would favour some. */
export function randomPassword(): string {
  const letter = () => passwordAlphabet[randomInt(passwordAlphabet.length)] ?? '';
  return Array.from({ length: letters }, letter).join('');
}

/** The longest that crypt(3) and PAM take, in bytes. */
export const longestPassword = 511;

/** Why a text cannot be a password, as the end of a sentence that begins with "the password", or `undefined` when it can. Never repeats it. */
export function passwordProblem(text: string): string | undefined {
  if (text === '') return 'is empty';
  const isLong = Buffer.byteLength(text, 'utf8') > longestPassword;
  if (isLong) return `is longer than ${longestPassword} bytes`;
  if (text.includes('\0')) return 'holds a zero byte';
  if (/[\r\n]/.test(text)) return 'is more than one line';
  if (/\p{Cc}/u.test(text)) return 'holds a control character, which no login prompt takes';
  // What no text encoding has would be typed as something else at the login.
  return text.includes('\ufffd') ? 'is not text in UTF-8' : undefined;
}
