import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CliResult, root as checkout, cli, ok } from '../e2e/support/cli.ts';
import { quickImages } from '../e2e/support/quick-images.ts';

/** The program that can be struck after each step: `node scripts/build.mjs --faults`. */
export const faultyProgram = path.join(checkout, 'dist-faults/main.js');

/** Where a case finds its VMs before its operation begins. */
export type Start = 'nothing' | 'stopped' | 'running' | 'trashed';

/** Everything that cases share: images, a project, state directories to copy. */
export interface Bed {
  /** A mounted file system of its own, small, with the state directory `home` in it. */
  readonly root: string;
  readonly home: string;
  readonly cache: string;
  /** The project whose VM is worked on; `other` has one too, which nothing may touch. */
  readonly project: string;
  /** The first of five host ports that are this bed's own. */
  readonly port: number;
  run(
    args: readonly string[],
    env?: Record<string, string>,
    /** Standard input. */
    input?: string,
  ): Promise<CliResult>;
  /** A copy of the state directory as it is before an operation. */
  kept(start: Exclude<Start, 'running'>): string;
  /** Makes the state directory anew, as it is before an operation. */
  reset(start: Start): Promise<void>;
  /** Writes the project's file, with these ports. */
  configure(ports?: string): void;
  dispose(): void;
}

const vm = (name: string, ports: string) =>
  `version: '2'\nvm: { name: ${name}, cpus: 1, memory: 384M }\nports: ${ports}\n`;

/** Makes the bed; boots two machines once. Needs root for the file system of its own. */
export async function makeBed(): Promise<Bed> {
  const area = mkdtempSync(path.join(tmpdir(), 'cbc-'));
  const at = (name: string) => path.join(area, name);
  const [root, cache, project, other] = [at('r'), at('cache'), at('shop'), at('other')];
  const home = path.join(root, 'home');
  for (const directory of [root, project, other, cache]) mkdirSync(directory, { mode: 0o700 });
  // Other tests may run beside this one.
  const port = 30_000 + (process.pid % 2000) * 8;
  const configure = (ports = `['${port}:80']`) =>
    writeFileSync(path.join(project, '.clonebox.yaml'), vm('shop', ports));
  writeFileSync(path.join(other, '.clonebox.yaml'), vm('other', `['${port + 1}:80']`));
  configure();
  execFileSync('truncate', ['-s', '300M', at('disk')]);
  execFileSync('mkfs.ext4', ['-q', '-m', '0', at('disk')]);
  execFileSync('mount', ['-o', 'loop', at('disk'), root]);
  await quickImages(cache);

  const env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: cache };
  const run: Bed['run'] = (args, more = {}, input = '') =>
    cli(args, {
      ...{ program: faultyProgram, env: { ...env, ...more }, timeout: 240_000, cwd: area, input },
    });
  const settle = () => {
    spawnSync('pkill', ['-KILL', '-f', `${home}/`]);
    for (let tries = 0; tries < 100 && spawnSync('pgrep', ['-f', `${home}/`]).status === 0; ) {
      tries += 1;
      execFileSync('sleep', ['0.05']);
    }
  };
  const keep = (name: string) => {
    rmSync(at(name), { recursive: true, force: true });
    if (existsSync(home)) execFileSync('cp', ['-a', home, at(name)]);
    else mkdirSync(at(name));
  };
  const make = (directory: string) =>
    ok(['clone', directory, '--no-template', '--image', 'quick'], { env });
  await make(other);
  await ok(['image', 'prune'], { env });
  keep('nothing');
  await make(project);
  keep('stopped');
  await ok(['delete', 'shop'], { env });
  keep('trashed');

  return {
    ...{ root, home, cache, project, port, run, configure, kept: at },
    reset: async (start) => {
      settle();
      rmSync(home, { recursive: true, force: true });
      execFileSync('cp', ['-a', at(start === 'running' ? 'stopped' : start), home]);
      configure();
      if (start === 'running') await ok(['start', 'shop', '--no-wait'], { env });
    },
    dispose: () => {
      settle();
      spawnSync('umount', ['-l', root]);
      rmSync(area, { recursive: true, force: true });
    },
  };
}
