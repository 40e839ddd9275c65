import * as z from 'zod';
import type { NeededService, NeededTool } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { versionsOfWorkflow } from './ci-workflow.ts';
import { neededOfImage } from './image-tools.ts';
import { serviceOfImage } from './known-services.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import { readYaml, table } from './structured.ts';
import { distinctTools, guess, likely } from './text.ts';

const anything = z.record(z.string(), z.unknown());
const workflow = z.looseObject({ env: table, jobs: table });
/** More servers than that are those that a library is tested with. */
const mostServices = 3;

interface Found {
  readonly tools: NeededTool[];
  readonly services: NeededService[];
}

/**
 * CI: the versions that others test with, and the servers they test against. Both only count where no file of the project
 * itself says anything, and of the servers just their names are read.
 */
export const ci: ProjectReader = {
  name: 'ci',
  wants: (path) =>
    /^\.github\/workflows\/[\w.-]{1,80}\.ya?ml$/.test(path) ||
    path === '.gitlab-ci.yml' ||
    path === '.circleci/config.yml',
  lastChoice: ['tools', 'services'],
  read(files) {
    const parts = files.map(readFile);
    const services = parts.flatMap((part) => part.services);
    const names = [...new Set(services.map(({ name }) => name))];
    const isTooMany = names.length > mostServices;
    return {
      tools: distinctTools(parts.flatMap((part) => part.tools)),
      services: isTooMany ? [] : services,
      notes: isTooMany ? [`CI tests with ${names.join(', ')}: none of them is set up`] : [],
    };
  },
};

function readFile(file: ProjectFile): Found {
  if (file.path === '.gitlab-ci.yml') return readGitlab(file);
  if (file.path === '.circleci/config.yml') return readCircle(file);
  const content = readYaml(file.text, workflow);
  const jobs = Object.values(content?.jobs ?? {})
    .slice(0, 50)
    .map(record);
  const images = jobs.flatMap((job) =>
    Object.values(record(job.services)).map((one) => record(one).image),
  );
  return {
    tools: jobs.flatMap((job) =>
      versionsOfWorkflow(job, content?.env ?? {}).map(({ name, range }) => ({
        ...{ name, range, finding: guess(file.path, `CI sets up ${name}`) },
      })),
    ),
    services: images.flatMap((image) => serverOf(file.path, image)),
  };
}

/** `image` and `services` are at the top, under `default`, and in every job. */
function readGitlab({ path, text }: ProjectFile): Found {
  const content = readYaml(text, anything) ?? {};
  const places = [content, ...Object.values(content).slice(0, 100).map(record)];
  return {
    tools: places.flatMap(({ image }) => toolsOf(path, image)),
    services: places.flatMap(({ services }) =>
      listOf(services).flatMap((one) => serverOf(path, one)),
    ),
  };
}

/** The first image of a job is where its steps run, the others are servers beside it. */
function readCircle({ path, text }: ProjectFile): Found {
  const content = readYaml(text, anything) ?? {};
  const places = [
    ...Object.values(record(content.jobs)),
    ...Object.values(record(content.executors)),
  ];
  const images = places
    .slice(0, 100)
    .map((one) => listOf(record(one).docker).map((each) => record(each).image));
  return {
    tools: images.flatMap(([first]) => toolsOf(path, first)),
    services: images.flatMap(([, ...others]) => others.flatMap((image) => serverOf(path, image))),
  };
}

function toolsOf(path: string, image: unknown): NeededTool[] {
  const name = nameOf(image);
  return neededOfImage(name, guess(path, `CI runs in ${printable(name, 40)}`));
}

/** Which version of a server CI has is its own affair. */
function serverOf(path: string, image: unknown): NeededService[] {
  const name = nameOf(image);
  const known = serviceOfImage(name);
  if (known === undefined || known.name === 'nginx') return [];
  return [
    {
      name: known.name,
      range: undefined,
      databases: [],
      finding: likely(path, `CI tests with ${printable(name, 40)}`),
    },
  ];
}

/** An image by its name, or by a table with its name. */
function nameOf(image: unknown): string {
  if (typeof image === 'string') return image.slice(0, 300);
  const { name } = record(image);
  return typeof name === 'string' ? name.slice(0, 300) : '';
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, 50) : [];
}
