import * as z from 'zod';
import type { DetectInput, Detector, FoundContainer } from '../core/detect.ts';
import { printable } from '../lib/printable.ts';
import { askProgram } from './ask-program.ts';
import { type ContainerPort, portsOfDocker, portsOfPodman } from './container-ports.ts';
import { createLook, type Look } from './look.ts';
import { readJson, text } from './project/structured.ts';

const mostContainers = 500;
/** Labels by which compose knows its own. */
const projectLabels = ['com.docker.compose.project', 'io.podman.compose.project'];

/** The containers that run now, of podman and docker: one question to each. */
export const containers: Detector<'containers'> = {
  area: 'containers',
  summary: 'containers of podman and docker that run now',
  async detect(input) {
    const look = createLook(input);
    const [podman, docker] = await Promise.all([askPodman(input, look), askDocker(input)]);
    return [...podman, ...docker].toSorted(
      (one, other) => one.engine.localeCompare(other.engine) || one.name.localeCompare(other.name),
    );
  },
};

// What containers were started with, their command lines and environments, may hold secrets: only what is named here
// is taken from an answer.

const podmanContainer = z.looseObject({
  Names: z.array(z.string()).catch([]),
  Image: text,
  State: text,
  Ports: z.array(z.unknown()).catch([]),
  Labels: z.record(z.string(), z.unknown()).catch({}),
});

async function askPodman(input: DetectInput, look: Look): Promise<FoundContainer[]> {
  // It makes its storage when there is none, and looking must not change anything.
  const places = [`${look.home}/.local/share/containers/storage`, '/var/lib/containers/storage'];
  const storage = await Promise.all(places.map((place) => look.facts(place)));
  if (storage.every((one) => one === undefined)) return [];
  const said = await askProgram(input, ['podman', 'ps', '--format', 'json']);
  if (said === undefined || said.trim() === '') return [];
  const list = readJson(said, z.array(z.unknown()));
  if (list === undefined) {
    input.note('podman: its answer is not understood');
    return [];
  }
  return list.slice(0, mostContainers).flatMap((one) => {
    const found = podmanContainer.safeParse(one).data;
    const name = found?.Names[0];
    if (found === undefined || name === undefined) return [];
    const project = projectLabels.map((label) => found.Labels[label]).find(isText);
    return [itemOf('podman', { ...found, name, project, ports: portsOfPodman(found.Ports) })];
  });
}

const dockerContainer = z.looseObject({
  Names: z.string(),
  Image: text,
  State: text,
  Status: text,
  Ports: text,
  Labels: text,
});

async function askDocker(input: DetectInput): Promise<FoundContainer[]> {
  if (await isPodman(input)) return [];
  // `--format json` is one line of "json" for each container before version 23.
  const said = await askProgram(input, ['docker', 'ps', '--format', '{{json .}}']);
  const lines = (said ?? '').split('\n').filter((line) => line.trim() !== '');
  let strange = 0;
  const found = lines.slice(0, mostContainers).flatMap((line) => {
    const one = readJson(line, dockerContainer);
    if (one === undefined) {
      strange += 1;
      return [];
    }
    const [name = one.Names] = one.Names.split(',');
    const project = projectOfLabels(one.Labels ?? '');
    const State = one.State ?? (/^Up\b/.test(one.Status ?? '') ? 'running' : undefined);
    return [
      itemOf('docker', { ...one, State, name, project, ports: portsOfDocker(one.Ports ?? '') }),
    ];
  });
  if (strange > 0) input.note('docker: a part of its answer is not understood');
  return found;
}

/** Podman comes with a `docker` that is podman itself: it would tell everything twice. */
async function isPodman({ host }: DetectInput): Promise<boolean> {
  const path = await host.which('docker');
  const real = path && (await host.files.realPath(path).catch(() => undefined));
  if (!real) return false;
  if (real.endsWith('/podman')) return true;
  const facts = await host.files.facts(real).catch(() => undefined);
  if (facts?.kind !== 'file' || facts.size > 4096) return false;
  const script = await host.files.readText(real).catch(() => undefined);
  return /\bpodman "\$@"/.test(script ?? '');
}

/** `a=b,com.docker.compose.project=shop`: a value may have a comma in it, the name of a project has none. */
function projectOfLabels(labels: string): string | undefined {
  const found = projectLabels.map((label) => {
    const at = `,${labels}`.indexOf(`,${label}=`);
    return at < 0 ? undefined : labels.slice(at + label.length + 1).split(',', 1)[0];
  });
  return found.find(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

interface Told {
  readonly name: string;
  readonly Image?: string | undefined;
  readonly State?: string | undefined;
  readonly project: string | undefined;
  readonly ports: readonly ContainerPort[];
}

function itemOf(engine: 'podman' | 'docker', told: Told): FoundContainer {
  const { name, Image, State, project, ports } = told;
  return {
    name: printable(name),
    engine,
    image: printable(Image ?? '', 200),
    state: printable(State ?? 'unknown', 30).toLowerCase(),
    ports,
    project: project === undefined ? null : printable(project),
    finding: { source: `${engine} ps`, confidence: 'certain', reason: `${engine} says so` },
  };
}
