import type { NeededSetup, NeededTool } from '../../core/needs.ts';
import type { PythonManifest } from './python-manifests.ts';
import type { ProjectTexts } from './reader.ts';
import { certain, isAtTop, likely } from './text.ts';

/** How the dependencies of a Python project get installed, and by what its programs are run then. */
export interface PythonInstall {
  readonly tools: readonly NeededTool[];
  readonly setup: readonly NeededSetup[];
  /** The beginning of a command: `.venv/bin/python`. */
  readonly python: readonly string[];
}

type Manager = NonNullable<PythonManifest['manager']>;

const environments = ['.venv', 'venv'];

const locks: readonly { readonly file: string; readonly manager: Manager }[] = [
  { file: 'uv.lock', manager: 'uv' },
  { file: 'poetry.lock', manager: 'poetry' },
  { file: 'pdm.lock', manager: 'pdm' },
  { file: 'Pipfile.lock', manager: 'pipenv' },
];

const commands: Readonly<Record<Manager, { install: string; python: readonly string[] }>> = {
  uv: { install: 'uv sync', python: ['.venv/bin/python'] },
  poetry: { install: 'poetry install', python: ['poetry', 'run', 'python'] },
  pdm: { install: 'pdm install', python: ['pdm', 'run', 'python'] },
  hatch: { install: 'hatch env create', python: ['hatch', 'run', 'python'] },
  pipenv: { install: 'pipenv install --dev', python: ['pipenv', 'run', 'python'] },
};

/** Lists for pip, the most complete first. */
const requirements = [
  'requirements.txt',
  'requirements-dev.txt',
  'requirements/dev.txt',
  'requirements/local.txt',
  'requirements/base.txt',
];

/** Of the manifests at the top: what is below has an environment of its own. */
export function installationOf(
  manifests: readonly PythonManifest[],
  tree: ProjectTexts,
): PythonInstall {
  const environment = environments.find((directory) => tree.has(directory));
  const present = environment === undefined ? undefined : [`${environment}/bin/python`];
  const tool = managerOf(manifests, tree);
  if (tool !== undefined) {
    const { install, python } = commands[tool.name];
    const { source } = tool.finding;
    return {
      tools: [tool],
      setup: present ? [] : [{ command: install, finding: missing(source) }],
      python: present ?? python,
    };
  }
  const made = withPip(manifests, tree);
  if (made === undefined) return { tools: [], setup: [], python: present ?? ['python3'] };
  return { tools: [], setup: present ? [] : [made], python: present ?? ['.venv/bin/python'] };
}

function managerOf(
  manifests: readonly PythonManifest[],
  tree: ProjectTexts,
): (NeededTool & { name: Manager }) | undefined {
  const lock = locks.find(({ file }) => tree.has(file));
  if (lock) {
    const { file, manager } = lock;
    const finding = certain(file, `its dependencies are locked by ${manager}`);
    return { name: manager, range: undefined, finding };
  }
  const written = manifests.find(({ manager }) => manager !== undefined);
  if (written?.manager === undefined) return undefined;
  const finding = certain(written.path, `it is written for ${written.manager}`);
  return { name: written.manager, range: undefined, finding };
}

function withPip(
  manifests: readonly PythonManifest[],
  tree: ProjectTexts,
): NeededSetup | undefined {
  const environment = 'python3 -m venv .venv';
  const list = requirements.find((file) => tree.has(file));
  if (list !== undefined) {
    const command = `${environment} && .venv/bin/pip install -r ${list}`;
    return { command, finding: missing(list) };
  }
  const installable = manifests.find((one) => one.installable && isAtTop(one.path));
  const hasDependencies = manifests.some(({ dependencies }) => dependencies.length > 0);
  if (installable === undefined || !hasDependencies) return undefined;
  const command = `${environment} && .venv/bin/pip install -e .`;
  return { command, finding: missing(installable.path) };
}

function missing(source: string) {
  return likely(source, 'its dependencies are not installed');
}
