import { satisfies } from 'semver';
import type { NeededService } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import { quoted } from '../../lib/printable.ts';
import type { GuestFacts, GuestStep, Provided } from './provided.ts';
import { services } from './services.ts';

/** A database is made by a command line: its name must not be one. */
const plainName = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

/** Every server once, with the databases that are named for it. */
export function provideServices(needed: readonly NeededService[], facts: GuestFacts): Provided[] {
  const names = [...new Set(needed.map(({ name }) => name))];
  return names.map((name) =>
    provide(
      name,
      needed.filter((one) => one.name === name),
      facts,
    ),
  );
}

function provide(
  name: string,
  needed: readonly NeededService[],
  { release }: GuestFacts,
): Provided {
  const [best] = needed;
  const entry = Object.hasOwn(services, name) ? services[name] : undefined;
  if (best === undefined || entry === undefined) {
    const note = `${name} (${best?.finding.source}) is left out: the distribution has no package of it`;
    return { packages: [], services: [], steps: [], notes: [note] };
  }
  const { finding } = best;
  const version = release && entry.versions[release];
  const range = needed.find((one) => one.range)?.range;
  const databases = [...new Set(needed.flatMap((one) => one.databases))];
  const roles = [...new Set(needed.flatMap((one) => one.roles ?? []))];
  const isPlain = (one: string) => plainName.test(one);
  const named = { databases: databases.filter(isPlain), roles: roles.filter(isPlain) };
  const other = range && version && !satisfies(version, range);
  return {
    packages: entry.packages.map((one) => ({ name: one, need: name, version, finding })),
    services: entry.units.map((unit) => ({ name: unit, finding })),
    steps: [
      ...(entry.database === undefined ? [] : [databaseStep(entry.database, named, finding)]),
      ...hostStep(needed, finding),
    ],
    notes: [
      ...(other
        ? [`${name} ${range} is asked for (${finding.source}); ${release} has ${version}`]
        : []),
      ...[...databases, ...roles]
        .filter((one) => !isPlain(one))
        .map((one) => `${name}: nothing is made of the name ${quoted(one, 40)}`),
    ],
  };
}

const plainHost = /^[a-z][a-z0-9-]{0,40}$/;

/** The server is the guest's own, by whatever name the project's programs call its host. */
function hostStep(needed: readonly NeededService[], { source, confidence }: Finding): GuestStep[] {
  const hosts = [...new Set(needed.flatMap((one) => one.hosts ?? []))].filter((one) =>
    plainHost.test(one),
  );
  if (hosts.length === 0) return [];
  const finding = { source, confidence, reason: 'by this name it is called' };
  return [{ run: `echo 127.0.0.1 ${hosts.join(' ')} >> /etc/hosts`, finding }];
}

function databaseStep(
  server: string,
  { databases, roles }: { databases: readonly string[]; roles: readonly string[] },
  { source, confidence }: Finding,
): GuestStep {
  const words = [...roles.map((name) => `--role ${name}`), ...databases];
  const reason = words.length > 0 ? 'it names them' : 'a role for you';
  return {
    run: ['clonebox-database', server, ...words].join(' '),
    finding: { source, confidence, reason },
  };
}
