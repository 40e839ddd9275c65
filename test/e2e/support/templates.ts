import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cache, ok, scratch } from './cli.ts';
import { linkOrCopy } from './quick-images.ts';

const reference = 'bootstrap:debian:12';

/** What `template list --json` says of one, as far as tests ask. */
export interface TemplateLine {
  key: string;
  usedBy: string[];
  warm: {
    key: string;
    usable: boolean;
    usedBy: string[];
    shape: { cpus: number; memory: number };
  }[];
}

/** What `clone --json` says, as far as tests ask. */
export interface Made {
  path: string;
  pathReason: string;
  timings: Record<string, number>;
  vm: { ports: { name: string; host: number }[]; memory: { mode: string | null } };
}

/** A cache of the test's own, with the image of the shared one and no template. */
export async function ownCache(): Promise<string> {
  const own = scratch('cbt-');
  const env = { CLONEBOX_HOME: path.join(own, 'home') };
  const pulled = await ok(['image', 'pull', reference, '--json'], { env });
  const { digest } = pulled.json<{ digest: string }>();
  const [from, to] = [cache, own].map((one) => path.join(one, 'images', digest)) as [
    string,
    string,
  ];
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(from)) linkOrCopy(path.join(from, name), path.join(to, name));
  return own;
}

/** The only template of a cache. */
export async function onlyTemplate(env: Record<string, string>): Promise<TemplateLine> {
  const said = await ok(['template', 'list', '--json'], { env });
  const { templates } = said.json<{ templates: TemplateLine[] }>();
  const [only, ...others] = templates;
  if (only === undefined || others.length > 0) throw new Error(`not one template: ${said.stdout}`);
  return only;
}

/** What is half made in a cache. */
export function buildings(own: string): string[] {
  return readdirSync(path.join(own, 'templates')).filter((name) => name.startsWith('.'));
}

/** Writes the file of a project with a VM of that name. */
export function configure(
  area: string,
  name: string,
  { cpus = 1, vm = '', more = '' }: { cpus?: number; vm?: string; more?: string } = {},
): string {
  const directory = path.join(area, name);
  mkdirSync(directory, { recursive: true });
  const facts = `{ name: ${name}, image: '${reference}', cpus: ${cpus}, ${vm} }`;
  writeFileSync(path.join(directory, '.clonebox.yaml'), `version: '2'\nvm: ${facts}\n${more}`);
  return directory;
}

/** Digests of the files below a directory, by their names. */
export function digestsBelow(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted();
  const files = names.filter((name) => statSync(path.join(directory, name)).isFile());
  return Object.fromEntries(
    files.map((name) => {
      const content = readFileSync(path.join(directory, name));
      return [name, createHash('sha256').update(content).digest('hex')];
    }),
  );
}

/** A copy with holes and times as they are. */
export function copyTree(from: string, to: string): void {
  execFileSync('cp', ['-a', '--sparse=always', '--', from, to]);
}
