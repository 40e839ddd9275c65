import * as z from 'zod';
import type { SecretReach } from '../core/secrets.ts';

/** What `secrets.sops` may say. */
export const sopsOptions = z.strictObject({
  file: z.string().min(1, 'is empty').default('.clonebox.secrets.yaml'),
  /** Default by the file's name. */
  format: z.enum(['yaml', 'json', 'dotenv']).optional(),
});

export type SopsOptions = z.infer<typeof sopsOptions>;

/** What these options reach outside the project. */
export function sopsReach({ file }: SopsOptions): SecretReach[] {
  return /^~?\//.test(file) ? [{ what: 'secrets file', value: file }] : [];
}
