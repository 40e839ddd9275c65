import * as z from 'zod';
import type { SecretReach } from '../core/secrets.ts';

/** What `secrets.age` may say. */
export const ageOptions = z.strictObject({
  /** Encrypted lines of NAME=VALUE. */
  file: z.string().min(1, 'is empty').default('.clonebox.secrets.age'),
  /** Default AGE_IDENTITY, else `age/keys.txt` in the user's configuration. */
  identity: z.string().min(1, 'is empty').optional(),
});

export type AgeOptions = z.infer<typeof ageOptions>;

/** What these options reach outside the project. */
export function ageReach({ file, identity }: AgeOptions): SecretReach[] {
  return [
    { what: 'secrets file', value: file },
    { what: 'age identity', value: identity ?? '' },
  ].filter(({ value }) => /^~?\//.test(value));
}
