import type { PlannedSecret } from '../../core/secrets.ts';

export interface SecretLine extends Omit<PlannedSecret, 'path' | 'mode'> {
  /** Where it is in the guest. */
  readonly path: string;
  /** In octal, as chmod has it. */
  readonly mode: string;
}

/** A secret as people and scripts read where it is in the guest. */
export function secretLine(one: PlannedSecret): SecretLine {
  const path = one.path ?? `/run/clonebox/secrets/${one.name}`;
  return { ...one, path, mode: one.mode.toString(8).padStart(4, '0') };
}
