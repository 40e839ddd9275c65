import * as z from 'zod';

/** What `secrets.sops` may say. */
export const sopsOptions = z.strictObject({
  file: z.string().min(1, 'is empty').default('.clonebox.secrets.yaml'),
  /** Default by the file's name. */
  format: z.enum(['yaml', 'json', 'dotenv']).optional(),
});

export type SopsOptions = z.infer<typeof sopsOptions>;

/** What options of a project are, for whoever confirms them. */
export const sopsOptionNames = { file: 'secrets file' } as const;
