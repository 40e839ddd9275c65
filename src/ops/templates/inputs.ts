import type { Image } from '../../core/image.ts';
import type { VmPlan } from '../../core/plan.ts';
import type { Workstation } from '../../core/setup.ts';
import type { TemplateInputs } from '../../core/template.ts';
import { sha256 } from '../../lib/sha256.ts';

/** What shapes the template of a plan. */
export function templateInputs(
  plan: VmPlan,
  image: Pick<Image, 'digest'>,
  { workstation, recipe }: { workstation: Workstation; recipe: string },
): TemplateInputs {
  const packages = plan.packages.map(({ name, version }) =>
    version ? `${name}=${version}` : name,
  );
  const reads = plan.provision.some(({ kind }) => kind === 'run');
  const { name, uid, gid, shell } = plan.user;
  return {
    recipe,
    image: image.digest,
    packages: packages.toSorted(),
    snaps: plan.snapPackages.toSorted(),
    services: plan.services.toSorted(),
    provision: plan.provision,
    environment: reads ? digests(Object.entries(plan.environment)) : {},
    user: { name, uid, gid, shell },
    timeZone: workstation.timeZone ?? '',
    locale: workstation.locale ?? '',
    certificates: digests(workstation.certificates.map((one) => [one.name, one.pem])),
  };
}

/** Values may be anything: none is written down. */
function digests(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(entries.map(([name, value]) => [name, sha256(value).slice(0, 16)]));
}
