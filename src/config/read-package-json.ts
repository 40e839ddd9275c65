import * as z from 'zod';
import type { Finding } from '../core/plan.ts';
import { portOf, readCommand, toPort } from '../lib/command-line.ts';
import { type ManifestRun, type Manifests, packagesFor } from './manifests.ts';

// Others write this file for other programs: what has an unexpected shape is as good as absent.
const packageJson = z.looseObject({
  scripts: z
    .looseObject({ start: z.string().optional().catch(undefined) })
    .optional()
    .catch(undefined),
  dependencies: z.record(z.string(), z.unknown()).optional().catch(undefined),
  devDependencies: z.record(z.string(), z.unknown()).optional().catch(undefined),
  config: z
    .looseObject({ port: z.union([z.string(), z.number()]).optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

type PackageJson = z.output<typeof packageJson>;

/** Reads a `package.json`: Node.js, npm when it is needed, and the start script as a run unit `web`. */
export function readPackageJson(text: string, file: string): Manifests {
  const content = parse(text);
  if (!content) return { packages: [], run: [], notes: [`${file} is left out: it is not valid`] };
  const run = startUnit(content, file);
  const dependencies = { ...content.dependencies, ...content.devDependencies };
  const likely = (reason: string): Finding => ({ source: file, confidence: 'likely', reason });
  const packages = packagesFor(['nodejs'], likely('a Node.js project'));
  if (Object.keys(dependencies).length > 0) {
    packages.push(...packagesFor(['npm'], likely('it has dependencies')));
  } else if (run[0]?.command[0] === 'npm') {
    packages.push(...packagesFor(['npm'], likely('its start script is run by npm')));
  }
  return { packages, run, notes: [] };
}

function parse(text: string): PackageJson | undefined {
  try {
    return packageJson.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function startUnit({ scripts, config }: PackageJson, file: string): ManifestRun[] {
  const start = scripts?.start?.trim();
  if (!start) return [];
  const finding = { source: file, confidence: 'certain', reason: 'its start script' } as const;
  const configured = toPort(config?.port);
  const simple = readCommand(start);
  // npm is what hands `config` to a script, so only a script without it can do without npm.
  if (simple?.command[0] === 'node' && simple.command.length > 1 && configured === undefined) {
    return [{ name: 'web', ...simple, port: portOf(start), finding }];
  }
  const port = portOf(start) ?? configured;
  return [{ name: 'web', command: ['npm', 'start'], env: {}, port, finding }];
}
