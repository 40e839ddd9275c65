import { validRange } from 'semver';
import { noNeeds, type ProjectNeeds } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import { services } from './services.ts';
import { tools } from './tools.ts';

/** What a user says about the first configuration of a project. */
export interface DraftChoices {
  /** Whether the project's own files are asked. */
  readonly detect: boolean;
  /** Packages of the distribution to add. */
  readonly packages: readonly string[];
  /** Tools and services to add: `redis`, `node@20`; what is none of them is a package. */
  readonly include: readonly string[];
  /** What is to be left out, by its name: a tool, package, service or command, or a port's number. */
  readonly exclude: readonly string[];
}

export const noChoices: DraftChoices = { detect: true, packages: [], include: [], exclude: [] };

/** True when there is something that only a first configuration can heed. */
export function isChosen({ packages, include, exclude }: DraftChoices): boolean {
  return packages.length + include.length + exclude.length > 0;
}

/** What a project needs, as its user wants it. What is added goes before what was found. */
export function chosen(needs: ProjectNeeds, choices: DraftChoices): ProjectNeeds {
  const out = new Set(choices.exclude);
  const isIn = ({ name }: { readonly name: string }) => !out.has(name);
  const found = choices.detect ? needs : noNeeds;
  const added = choices.include.map(addition);
  const tools = [...added.flatMap((one) => one.tools ?? []), ...found.tools];
  const servers = [...added.flatMap((one) => one.services ?? []), ...found.services];
  const packages = [
    ...added.flatMap((one) => one.packages ?? []),
    ...choices.packages.map((name) => ({ name, finding: asked('--packages') })),
    ...found.packages,
  ];
  return {
    ...found,
    tools: tools.filter(isIn),
    services: servers.filter(isIn),
    packages: packages.filter(isIn),
    run: found.run.filter(isIn),
    ports: found.ports.filter(({ port }) => !out.has(String(port))),
  };
}

function addition(text: string): Partial<ProjectNeeds> {
  const [name = '', version] = text.split('@', 2);
  const finding = asked('--include');
  const range = (version && validRange(version)) || undefined;
  if (Object.hasOwn(services, name)) return { services: [{ name, range, databases: [], finding }] };
  if (Object.hasOwn(tools, name)) return { tools: [{ name, range, finding }] };
  return { packages: [{ name: text, finding }] };
}

function asked(source: string): Finding {
  return { source, confidence: 'certain', reason: 'asked for' };
}
