import { hostPath } from './host-path.ts';
import { parseKeySource } from './key-source.ts';
import type { PlanInput, Report } from './plan-input.ts';
import type { Path } from './problem.ts';

/** A key of a configuration, and where in it. */
export interface LocatedKey {
  /** As a plan has it: paths are absolute. */
  readonly key: string;
  readonly at: Path;
}

/** The keys of `vm.auth`, each once, in the order of the plan. */
export function locateKeys(
  input: Pick<PlanInput, 'config' | 'project' | 'home'>,
  report: Report,
): LocatedKey[] {
  const { ssh_public_key: single, ssh_keys: more = [] } = input.config.vm?.auth ?? {};
  const all: LocatedKey[] = [
    ...(single ? [{ key: single, at: ['vm', 'auth', 'ssh_public_key'] }] : []),
    ...more.map((written, index) => {
      const at = ['vm', 'auth', 'ssh_keys', index];
      const source = parseKeySource(written);
      if (source.kind !== 'file') return { key: written, at };
      return { key: hostPath(source.path, input, (message) => report(at, message)) ?? written, at };
    }),
  ];
  return all.filter(({ key }, index) => all.findIndex((one) => one.key === key) === index);
}
