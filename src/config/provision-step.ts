import * as z from 'zod';
import type { ProvisionStep } from '../core/plan.ts';
import { filledWord, oneOf, text, word } from './fields.ts';

/** The permissions of a file in octal; quoted or not, `0644` is read as it was written. */
export const fileMode = text((value) => {
  return /^0?[0-7]{3,4}$/.test(value) ? undefined : 'is not a mode in octal, for example 0644';
});

/** One step of `provision`: a command line for the shell of the guest, or a file to write. */
export function provisionStep(guestPath: z.ZodType<string, string>) {
  return z
    .strictObject({
      run: filledWord.optional(),
      as: oneOf(['root', 'user']).optional(),
      file: guestPath.optional(),
      content: word.optional(),
      mode: fileMode.optional(),
    })
    .transform((step, context): ProvisionStep => {
      const { run, as, file, content, mode } = step;
      if (run !== undefined && file === undefined && content === undefined && mode === undefined) {
        return { kind: 'run', run, as: as ?? 'root' };
      }
      if (file !== undefined && run === undefined && as === undefined) {
        if (content !== undefined) {
          return { kind: 'file', path: file, content, mode: Number.parseInt(mode ?? '0644', 8) };
        }
        context.addIssue({ code: 'custom', message: 'has a file without content' });
        return z.NEVER;
      }
      const message = 'is one of two things: { run, as } or { file, content, mode }';
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });
}
