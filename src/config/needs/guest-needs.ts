import type { NeededPort, NeededRun, ProjectNeeds } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import { quoted } from '../../lib/printable.ts';
import { isPackageName, isRunName } from '../fields.ts';
import { provideServices } from './provide-services.ts';
import { provideTools } from './provide-tools.ts';
import type { GuestFacts, GuestNeeds, Provided } from './provided.ts';

/** Turns what a project needs into what its guest gets. Of two findings of one thing the first is kept. */
export function guestNeeds(needs: ProjectNeeds, facts: GuestFacts): GuestNeeds {
  const parts: Provided[] = [
    ...provideTools(needs.tools, facts),
    ...provideServices(needs.services, facts),
  ];
  const libraries = needs.packages
    .filter(({ name }) => isPackageName(name))
    .map(({ name, finding }) => ({ name, need: name, version: undefined, finding }));
  const usable = needs.run.filter(isUsable);
  const run = withPorts(firstOf(usable, byName), needs);
  const published = new Set(run.map(({ port }) => port));
  // Others of a program that has one are for debuggers, and the like.
  const served = new Set(run.filter(({ port }) => port !== undefined).map(({ name }) => name));
  return {
    packages: firstOf([...parts.flatMap((part) => part.packages), ...libraries], byName),
    services: firstOf(
      parts.flatMap((part) => part.services),
      byName,
    ),
    steps: firstOf(
      parts.flatMap((part) => part.steps),
      (step) => step.run,
    ),
    run,
    setup: firstOf(needs.setup, ({ command }) => command).filter(
      ({ command }) => command.trim() !== '' && !command.includes('\0'),
    ),
    idlePorts: firstOf(needs.ports, ({ port }) => String(port)).filter(
      ({ port, unit }) => !published.has(port) && !(unit && served.has(unit)),
    ),
    notes: [
      ...new Set([
        ...needs.notes,
        ...parts.flatMap((part) => part.notes),
        ...unusable('package', needs.packages, ({ name }) => isPackageName(name)),
        ...unusable('command', needs.run, isUsable),
      ]),
    ],
  };
}

/** What others wrote may be no name, or hold what no argument can. */
function isUsable({ name, command, env }: NeededRun): boolean {
  const words = [...command, ...Object.values(env)];
  return (
    isRunName(name) &&
    command.length > 0 &&
    !words.some((word) => word.includes('\0')) &&
    Object.keys(env).every((key) => /^[A-Za-z_]\w*$/.test(key))
  );
}

function unusable<T extends { readonly name: string; readonly finding: Finding }>(
  what: string,
  items: readonly T[],
  isGood: (item: T) => boolean,
): string[] {
  return items
    .filter((item) => !isGood(item))
    .map(
      ({ name, finding }) =>
        `${what} ${quoted(name, 40)} is left out (${finding.source}): it cannot be one`,
    );
}

const byName = ({ name }: { readonly name: string }) => name;

/**
 * A command that does not say its port has the one that the project's own code or files say: that of a program of its
 * name, or the only one, or the surest. Of several silent commands it is that of `web`. A port is of the first command
 * that names it.
 */
function withPorts(run: readonly NeededRun[], { ports }: ProjectNeeds): NeededRun[] {
  const single = run.map((unit, index) => {
    const earlier = run.slice(0, index).some((one) => one.port === unit.port);
    return earlier ? { ...unit, port: undefined } : unit;
  });
  const free = ports.filter(({ port }) => !single.some((unit) => unit.port === port));
  const silent = single.filter((unit) => unit.port === undefined);
  const target = silent.length === 1 ? silent[0] : silent.find(({ name }) => name === 'web');
  const port = free.find(({ unit }) => unit === target?.name)?.port ?? surest(free);
  return single.map((unit) => (unit === target ? { ...unit, port } : unit));
}

/** The only port, or the only one of those that are more than a guess. */
function surest(ports: readonly NeededPort[]): number | undefined {
  const sure = ports.filter(({ finding }) => finding.confidence !== 'guess');
  for (const some of [ports, sure]) {
    const numbers = new Set(some.map(({ port }) => port));
    if (numbers.size === 1) return some[0]?.port;
  }
  return undefined;
}

function firstOf<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = keyOf(item);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
