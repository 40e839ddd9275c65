import * as z from 'zod';

/** What `secrets.age` may say. */
export const ageOptions = z.strictObject({
  /** Encrypted lines of NAME=VALUE. */
  file: z.string().min(1, 'is empty').default('.clonebox.secrets.age'),
  /** Default AGE_IDENTITY, else `age/keys.txt` in the user's configuration. */
  identity: z.string().min(1, 'is empty').optional(),
});

export type AgeOptions = z.infer<typeof ageOptions>;

/** What options of a project are, for whoever confirms them. */
export const ageOptionNames = { file: 'secrets file', identity: 'age identity' } as const;
