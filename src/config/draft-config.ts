import { posix } from 'node:path';
import type { VmName } from '../core/name.ts';
import type { NeededRun, NeededSetup } from '../core/needs.ts';
import type { Finding } from '../core/plan.ts';
import { exactBytes } from '../lib/bytes.ts';
import { quoted } from '../lib/printable.ts';
import type { GuestNeeds, GuestPort, GuestStep } from './needs/provided.ts';
import { schemaComment } from './schema-url.ts';

export interface DraftInput {
  readonly name: VmName;
  /** The project directory; the draft itself says `.`, so that it can be committed. */
  readonly project: string;
  readonly needs: GuestNeeds;
  /** The image that `auto` was resolved to, to be written down. */
  readonly image?: string | undefined;
  /** What the command line asked for; bytes. */
  readonly cpus?: number | undefined;
  readonly memory?: number | undefined;
  readonly disk?: number | undefined;
  readonly profiles?: readonly string[] | undefined;
}

/** The first `.clonebox.yaml` of a project: what was found, and the other keys as comments that can be uncommented. */
export function draftConfig({
  name,
  project,
  needs,
  image = 'auto',
  ...asked
}: DraftInput): string {
  return `${schemaComment}
# The virtual machine of ${quoted(posix.basename(project))}, made by CloneBox. Every key: docs/reference/config.md
version: '2'

# What others wrote down already, merged in this order; this file goes over it. See: clonebox profile list
${profilesLine(asked.profiles)}

# The machine. What is left out is as shown, or as a profile says.
vm:
  name: ${scalar(name)}
  image: ${scalar(image)}
  ${asked.cpus === undefined ? '# cpus: 4' : `cpus: ${asked.cpus}`}
  ${asked.memory === undefined ? '# memory: 2G' : `memory: ${exactBytes(asked.memory)}`}
  ${asked.disk === undefined ? '# disk: 20G' : `disk: ${exactBytes(asked.disk)}`}
  # accel: auto

# Directories of this computer in the guest: rw, ro, or copy (once, at creation).
shares:
  - { host: ., guest: same, mode: rw }
  # - { host: ~/data, guest: /data, mode: ro }

# Packages of the guest's distribution; name=version pins one.
${list('packages', needs.packages) ?? 'packages: []'}
# snap_packages: [hello]

# Services of those packages to enable and start.
${list('services', needs.services) ?? '# services: [postgresql]'}

# Steps that make the guest what it is, in order, as root unless told otherwise.
${stepsSection(needs.steps)}

# Command lines run once in the new guest, as its user.
${setupSection(needs.setup)}

# The project's own commands, kept running in the guest.
${notes(needs.notes)}${runSection(needs.run)}

# Ports of the guest on 127.0.0.1 of this computer: host:guest, or guest alone: the same number, or the next free one.
${idlePorts(needs.idlePorts)}# ports: ['8080:80', '5432']

# Variables for everything in the guest; $\{NAME} is taken from this computer.
# environment: { NODE_ENV: development }

# Ports of this computer's own 127.0.0.1 that the guest may reach, and how much of the network: full, none, allowlist.
# network: { host_ports: [5432], egress: allowlist, allow: [example.org, '*.example.org'] }
`;
}

function profilesLine(profiles: readonly string[] = []): string {
  if (profiles.length === 0) return '# profiles: [node, postgres-15]';
  return `profiles: [${profiles.map(scalar).join(', ')}]`;
}

function list(
  key: string,
  items: readonly { readonly name: string; readonly finding: Finding }[],
): string | undefined {
  if (items.length === 0) return undefined;
  const lines = items.map(({ name, finding }) => `  - ${scalar(name)} # ${because(finding)}`);
  return [`${key}:`, ...lines].join('\n');
}

function stepsSection(steps: readonly GuestStep[]): string {
  if (steps.length === 0) {
    return `# provision:
#   - { run: 'corepack enable', as: root }
#   - { file: /etc/motd, content: hello, mode: '0644' }`;
  }
  const lines = steps.map(({ run, finding }) => `  - run: ${scalar(run)} # ${because(finding)}`);
  return ['provision:', ...lines].join('\n');
}

function setupSection(setup: readonly NeededSetup[]): string {
  if (setup.length === 0) return "# post_commands: ['npm ci']";
  const lines = setup.map(({ command, finding }) => `  - ${scalar(command)} # ${because(finding)}`);
  return ['post_commands:', ...lines].join('\n');
}

function runSection(run: readonly NeededRun[]): string {
  if (run.length === 0) return '# run:\n#   web: { command: [node, server.js], port: 8080 }';
  const units = run.flatMap(({ name, command, env, port, directory, finding }) => {
    const variables = Object.entries(env).map(([key, value]) => `${scalar(key)}: ${scalar(value)}`);
    return [
      `  ${scalar(name)}: # ${because(finding)}`,
      `    command: [${command.map(scalar).join(', ')}]`,
      ...(directory === undefined ? [] : [`    cwd: ${scalar(directory)}`]),
      ...(variables.length > 0 ? [`    env: { ${variables.join(', ')} }`] : []),
      ...(port === undefined ? [] : [`    port: ${port}`]),
    ];
  });
  return ['run:', ...units].join('\n');
}

/** A published port has to answer: one that nothing here starts is left to be uncommented. */
function idlePorts(ports: readonly GuestPort[]): string {
  return ports
    .map(
      ({ port, finding }) =>
        `# Note: nothing here starts what listens on ${port} (${because(finding)})\n`,
    )
    .join('');
}

function notes(lines: readonly string[]): string {
  return lines.map((line) => `# Note: ${comment(line)}\n`).join('');
}

function because({ source, reason }: Finding): string {
  return comment(`${source}: ${reason}`);
}

/** A text that stays on its line, whatever it holds. */
function comment(text: string): string {
  return quoted(text, 120).slice(1, -1);
}

const plain = /^[A-Za-z][\w./-]*(:[\w./-]+)*$/;
const special = /^(true|false|null|yes|no|on|off|y|n)$/i;

/** A YAML scalar that is read back as this very text. A JSON string is one too. */
function scalar(text: string): string {
  if (text === '.' || (plain.test(text) && !special.test(text))) return text;
  return /^[\x20-\x7e]*$/.test(text) && !text.includes("'") ? `'${text}'` : JSON.stringify(text);
}
