import * as z from 'zod';
import { durationOption } from './duration-option.ts';

const hole = '{key}';

/** What `secrets.command` may say, in the user's own configuration alone. */
export const commandOptions = z.strictObject({
  /** A program and its arguments, `{key}` in one of them: `[pass, show, "{key}"]`. No shell is involved. */
  argv: z
    .array(z.string().refine((word) => !word.includes('\0'), 'holds a zero byte'))
    .min(1, 'names no program')
    .superRefine(([program = '', ...words], context) => {
      const problem =
        program.includes(hole) || !/^[^/]+$|^\//.test(program)
          ? 'must begin with the name of a program, or its path from / on'
          : words.some((word) => word.includes(hole))
            ? undefined
            : `has no ${hole}: it would say the same for every secret`;
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    }),
  timeout: durationOption('30s'),
});

export type CommandOptions = z.infer<typeof commandOptions>;
