import type { Ctx } from '../../core/ctx.ts';
import type { Guest } from '../../core/guest.ts';
import type { PlannedPackage } from '../../core/plan.ts';
import type { Drift } from './drift.ts';

const missing = 'not installed';
/** One line per package: name, version, status as `ii ` (dpkg-query(1)). Absent ones are told on standard error. */
const format = `\${Package}\t\${Version}\t\${db:Status-Abbrev}\n`;
const query = ['dpkg-query', '-W', '-f', format, '--'];

/** The packages of a plan: as asked for, as the guest has them, and as this machine has them where it has any. */
export async function packageDrift(
  ctx: Ctx,
  guest: Guest,
  packages: readonly PlannedPackage[],
): Promise<Drift[]> {
  if (packages.length === 0) return [];
  const argv = [...query, ...packages.map(({ name }) => name)];
  const inside = parseVersions((await guest.exec(argv, ctx.io, { timeout: 20_000 })).stdout);
  const here = await hostVersions(ctx, argv);
  return packages.map(({ name, version }) => {
    const there = inside.get(name);
    const own = here.get(name);
    // Another revision of the same version is the distribution's business.
    const isSame = own !== undefined && there !== undefined && upstream(own) === upstream(there);
    return {
      area: 'packages',
      name,
      workstation: own === undefined ? null : isSame ? (there ?? null) : own,
      config: version ?? there ?? 'installed',
      guest: there ?? missing,
    };
  });
}

/** Nothing where this machine has no dpkg. */
async function hostVersions(ctx: Ctx, argv: readonly string[]): Promise<Map<string, string>> {
  if ((await ctx.host.which('dpkg-query')) === undefined) return new Map();
  const result = await ctx.host.run(argv, ctx.io, { timeout: 10_000 });
  return parseVersions(result.stdout);
}

/** Versions by package, from the output of `query`; only what is installed. */
export function parseVersions(output: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [name, version, status] = line.split('\t');
    if (name && version && status?.startsWith('ii')) found.set(name, version);
  }
  return found;
}

/** A Debian version without epoch and revision (deb-version(7)). */
export function upstream(version: string): string {
  return version.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
}
