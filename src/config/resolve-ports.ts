import { reasonOf } from '../core/errors.ts';
import type { PlannedPort, RunUnit } from '../core/plan.ts';
import type { PlanInput, Report } from './plan-input.ts';
import { parsePortPair, portKeys } from './port.ts';
import { expand } from './variables.ts';

/**
 * The ports of the file, then those of run units that it does not name. A unit's port has the unit's name,
 * the guest's port 22 is `ssh`, any other is named by its number.
 */
export function resolvePorts(
  { config, env }: PlanInput,
  run: readonly RunUnit[],
  report: Report,
): PlannedPort[] {
  const nameOf = (guest: number): string => {
    const unit = run.find(({ port }) => port === guest);
    return unit?.name ?? (guest === 22 ? 'ssh' : String(guest));
  };
  const seen = new Set<string>();
  const listed = (config.ports ?? []).flatMap((text, index): PlannedPort[] => {
    try {
      const expanded = expand(text, env);
      const { host, guest } = parsePortPair(expanded);
      for (const key of portKeys(expanded)) {
        if (seen.has(key)) report(['ports', index], `${key} stands here twice`);
        seen.add(key);
      }
      return [{ name: nameOf(guest), guest, host }];
    } catch (error) {
      report(['ports', index], reasonOf(error));
      return [];
    }
  });
  const unlisted = run.flatMap(({ name, port }): PlannedPort[] => {
    const known = port === undefined || listed.some(({ guest }) => guest === port);
    return known ? [] : [{ name, guest: port, host: undefined }];
  });
  return [...listed, ...unlisted];
}
