import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { RunResult } from '../core/process.ts';
import { type BootstrapMode, chooseMode } from './bootstrap-mode.ts';
import { createLineReader } from './bootstrap-progress.ts';
import type { Building } from './building.ts';
import { explainFull, requireSpace } from './disk-space.ts';
import { type ChosenSources, chooseSources, debian } from './distribution-sources.ts';
import type { Draft } from './manifest.ts';
import * as recipe from './recipe.ts';

const codenames: Readonly<Record<string, string>> = { '12': 'bookworm', '13': 'trixie' };

/** References that can be built from this machine's apt sources. */
export const bootstrapReferences = Object.keys(codenames).map((r) => `bootstrap:debian:${r}`);

interface Target {
  readonly reference: string;
  readonly codename: string;
  /** Debian's name of this machine's architecture. */
  readonly architecture: string;
}

/**
 * Builds a Debian image with mmdebstrap into `building.directory`: disk, kernel and initrd, ready for the agent,
 * with no cloud-init. Works as root and without (see docs/images.md). Fails with `host-unable` when there are no
 * apt sources, no way to make a root file system, or no room.
 */
export async function bootstrap(
  host: Host,
  io: Io,
  options: { reference: string; release: string; building: Building },
): Promise<Draft> {
  const { reference, building } = options;
  io.emit({ kind: 'phase', id: 'image-bootstrap', title: `Building ${reference} with mmdebstrap` });
  io.emit({ kind: 'detail', text: 'looking at this machine: apt sources, user namespaces, room' });
  const target = targetOf(host, reference, options.release);
  const mmdebstrap = await host.require('mmdebstrap');
  const mode = await chooseMode(host, io);
  const sources = await chooseSources(host, { distribution: debian, ...target });
  await requireSpace(host, building.directory, recipe.spaceNeeded);
  const scratch = await building.openScratch();
  await requireSpace(host, scratch, recipe.spaceNeeded);

  const directories = [building.directory, scratch] as const;
  return explainFull(host, { directories, needed: recipe.spaceNeeded }, async () => {
    const work = `${building.directory}/work`;
    await host.files.makeDirectory(work);
    const output = mode.name === 'root' ? `${work}/root` : `${scratch}/root.tar`;
    const date = new Date(host.now()).toISOString().slice(0, 10);
    const argv = [mmdebstrap, ...mmdebstrapArguments({ mode, target, sources, output, date })];
    await runMmdebstrap(host, io, { argv, scratch });
    await assemble(host, io, { mode, work, tar: mode.name === 'root' ? '' : output });
    return collect(host, io, { target, work, directory: building.directory });
  });
}

function targetOf(host: Host, reference: string, release: string): Target {
  const architecture = { x64: 'amd64', arm64: 'arm64' }[host.architecture];
  const codename = codenames[release];
  if (architecture === undefined || codename === undefined) {
    throw new CloneboxError('host-unable', `${reference} cannot be built on ${host.architecture}`, {
      hint: `What can be built: ${bootstrapReferences.join(', ')} on x64 and arm64`,
    });
  }
  return { reference, codename, architecture };
}

function mmdebstrapArguments(options: {
  mode: BootstrapMode;
  target: Target;
  sources: ChosenSources;
  output: string;
  date: string;
}): string[] {
  const { mode, target, sources, output, date } = options;
  return [
    '--verbose',
    '--variant=minbase',
    ...(mode.name === 'root' ? ['--format=directory'] : ['--format=tar', `--mode=${mode.name}`]),
    `--architectures=${target.architecture}`,
    `--include=${recipe.packagesFor(target.architecture).join(',')}`,
    '--aptopt=Acquire::Languages "none"',
    // The package lists stay: a first `apt-get install` in a guest then needs no slow update.
    '--skip=cleanup/apt/lists',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    `--essential-hook=${recipe.essentialHook}`,
    ...sources.keyrings.flatMap((path) => [
      `--customize-hook=mkdir -p "$1/$(dirname '${path}')"`,
      `--customize-hook=upload '${path}' '${path}'`,
    ]),
    `--customize-hook=${recipe.customizeHook({ reference: target.reference, date })}`,
    target.codename,
    output,
    ...sources.lines,
  ];
}

async function runMmdebstrap(
  host: Host,
  io: Io,
  options: { argv: readonly string[]; scratch: string },
): Promise<void> {
  const read = createLineReader();
  // mmdebstrap repeats the text of each hook: that is no output to quote.
  const echoed = new Set(options.argv.flatMap((argument) => argument.split('\n')));
  const lines: string[] = [];
  const result = await host.run(options.argv, io, {
    cwd: '/',
    env: { ...(await proxies(host, io)), LC_ALL: 'C', TMPDIR: options.scratch },
    onLine: (line) => {
      if (!echoed.has(line)) lines.push(line);
      if (lines.length > 40) lines.shift();
      const text = read(line);
      if (text !== undefined) io.emit({ kind: 'detail', text });
    },
  });
  if (result.exitCode === 0) return;
  const reason = lines.findLast((line) => /^E: (?!.*apt-get|mmdebstrap failed)/.test(line));
  throw new CloneboxError('host-unable', `mmdebstrap failed: ${reason ?? lines.at(-1) ?? ''}`, {
    hint: 'Can this machine reach its apt mirror (sudo apt update)? The last lines are in the error facts (--json).',
    facts: { exitCode: result.exitCode, lines },
  });
}

function tail(result: RunResult): string[] {
  return `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-40);
}

/** mmdebstrap's apt does not read this machine's apt.conf: its proxies are handed on by the environment. */
async function proxies(host: Host, io: Io): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const config = await host.which('apt-config');
  if (config === undefined) return found;
  const { stdout } = await host.run([config, 'dump', '--format', '%f=%v%n', 'Acquire'], io);
  for (const [, scheme, proxy] of stdout.matchAll(/^Acquire::(https?)::Proxy=(\S+)$/gim)) {
    if (scheme && proxy && proxy !== 'DIRECT') found[`${scheme.toLowerCase()}_proxy`] = proxy;
  }
  return found;
}

async function assemble(
  host: Host,
  io: Io,
  options: { mode: BootstrapMode; work: string; tar: string },
): Promise<void> {
  const { mode, work, tar } = options;
  io.emit({ kind: 'phase', id: 'image-disk', title: 'Making the disk' });
  io.emit({ kind: 'detail', text: 'writing the root file system' });
  const mke2fs = await host.require('mke2fs');
  const script = ['sh', '-c', recipe.assembleScript, 'assemble', work, mke2fs, tar];
  await runChecked(host, io, [...mode.wrap, ...script]);
  io.emit({ kind: 'detail', text: 'converting to qcow2' });
  const image = ['-f', 'raw', '-O', 'qcow2', `${work}/disk.raw`, `${work}/disk.qcow2`];
  await runChecked(host, io, [await host.require('qemu-img'), 'convert', ...image]);
}

async function runChecked(host: Host, io: Io, argv: readonly string[]): Promise<void> {
  const result = await host.run(argv, io, { env: { LC_ALL: 'C' } });
  if (result.exitCode === 0) return;
  const lines = tail(result);
  const reason = lines.at(-1) ?? `exit status ${result.exitCode}`;
  throw new CloneboxError('host-unable', `making the disk failed: ${reason}`, { facts: { lines } });
}

async function collect(
  host: Host,
  io: Io,
  options: { target: Target; work: string; directory: string },
): Promise<Draft> {
  const { target, work, directory } = options;
  const { files } = host;
  const list = (await files.readText(`${work}/packages`)) ?? '';
  const kernel = ((await files.readText(`${work}/version`)) ?? '').trim();
  for (const name of ['disk.qcow2', 'kernel', 'initrd']) {
    await files.rename(`${work}/${name}`, `${directory}/${name}`);
  }
  await files.remove(work);
  io.log.info('images.bootstrapped', { reference: target.reference, kernel });
  const packages = list
    .trim()
    .split('\n')
    .map((line) => line.split('='));
  return {
    reference: target.reference,
    source: 'bootstrap',
    boot: { kind: 'direct', commandLine: recipe.commandLineFor(target.architecture) },
    setup: 'agent',
    facts: { kernel, packages: Object.fromEntries(packages) },
  };
}
