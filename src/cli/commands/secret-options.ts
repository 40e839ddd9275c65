import { CloneboxError } from '../../core/errors.ts';
import { textOption, userFlag } from '../common.ts';
import type { OptionSpecs } from '../option.ts';

/** What each `secret` command takes: the VM may stand in `--vm`, or be the argument that it is of other commands. */
export const secretOptions = {
  vm: textOption('VM', 'the VM or the project; the same as the argument'),
  user: userFlag,
} as const satisfies OptionSpecs;

/** The VM that was named, if one was. Fails with `usage` when it was named twice. */
export function secretTarget(
  argument: string | undefined,
  option: string | undefined,
): string | undefined {
  if (argument === undefined || option === undefined) return argument ?? option;
  throw new CloneboxError('usage', 'the VM is named twice: as an argument, and by --vm', {
    hint: 'Leave one of them out.',
    facts: { argument, option },
  });
}
