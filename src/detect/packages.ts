import * as z from 'zod';
import type { DetectInput, Detector, FoundPackage } from '../core/detect.ts';
import { reasonOf } from '../core/errors.ts';
import type { Finding } from '../core/plan.ts';
import { printable } from '../lib/printable.ts';
import { askProgram } from './ask-program.ts';
import { aptStates, dpkgDirectory, readDpkg } from './dpkg.ts';
import { rpmDirectory } from './owners.ts';
import { below } from './paths.ts';
import { readToml } from './project/structured.ts';

type Manager = FoundPackage['manager'];

/** Packages that somebody asked for: not what they need, and not what every system has. */
export const packages: Detector<'packages'> = {
  area: 'packages',
  summary: 'packages that were asked for, of apt, rpm, snap and flatpak',
  async detect(input) {
    const sources = [readApt, readRpm, readSnap, readFlatpak];
    // One that is broken must not take the others with it.
    const found = await Promise.all(
      sources.map((read) =>
        read(input).catch((error: unknown) => {
          input.io.signal.throwIfAborted();
          input.note(printable(reasonOf(error), 200));
          return [];
        }),
      ),
    );
    return found.flatMap((list) => list.toSorted((one, other) => (one.name < other.name ? -1 : 1)));
  },
};

async function readApt(input: DetectInput): Promise<FoundPackage[]> {
  const dpkg = await readDpkg(input);
  if (dpkg === undefined) return [];
  const status = `${dpkgDirectory}/status`;
  if (dpkg.packages.length === 0) input.note(`${status} names no package that is installed`);
  const finding: Finding = dpkg.hasReasons
    ? { source: aptStates, confidence: 'certain', reason: 'apt has it as asked for' }
    : { source: status, confidence: 'guess', reason: 'it is installed; why, nobody wrote down' };
  return dpkg.packages
    .filter(({ base, automatic }) => !base && !automatic)
    .map(({ name, version }) => ({ name, version, manager: 'apt', finding }));
}

const dnfState = '/usr/lib/sysimage/libdnf5/packages.toml';
/** dnf's own: why each package is there, by NAME.ARCHITECTURE. */
const dnfPackages = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ reason: z.string() })),
});

async function readRpm(input: DetectInput): Promise<FoundPackage[]> {
  const { host, scope } = input;
  // What rpm knows of a system that is dpkg's is of no use to it.
  if ((await readDpkg(input).catch(() => undefined)) !== undefined) return [];
  const directory = await rpmDirectory(input);
  if (directory === undefined) return [];
  const place = scope.root === '/' ? [] : ['--dbpath', below(scope.root, directory)];
  const format = '%{NAME}\\t%{EVR}\\t%{ARCH}\\n';
  const [said, state] = await Promise.all([
    askProgram(input, ['rpm', ...place, '-qa', '--qf', format]),
    host.files.readText(below(scope.root, dnfState)).catch(() => undefined),
  ]);
  const reasons = state === undefined ? undefined : readToml(state, dnfPackages)?.packages;
  if (state !== undefined && reasons === undefined) input.note(`${dnfState} is not understood`);
  const finding: Finding =
    reasons === undefined
      ? { source: 'rpm', confidence: 'guess', reason: 'it is installed; why, nobody wrote down' }
      : { source: dnfState, confidence: 'certain', reason: 'dnf has it as asked for' };
  return linesOf(said)
    .map((line) => /^([\w.+-]+)\t([\w.+:~^-]+)\t(\w+|\(none\))$/.exec(line))
    .filter((match) => match !== null)
    .filter(([, name, , architecture]) => {
      const reason = reasons?.[`${name}.${architecture}`]?.reason ?? '';
      // Keys of signatures are kept as packages.
      return name !== 'gpg-pubkey' && (reasons === undefined || /^(external )?user$/i.test(reason));
    })
    .map(([, name = '', version = '']) => ({ name, version, manager: 'rpm', finding }));
}

/** What other snaps stand on. */
const snapBase = /\b(base|core|snapd|kernel|gadget|os|disabled)\b/;

async function readSnap(input: DetectInput): Promise<FoundPackage[]> {
  const said = await askProgram(input, ['snap', 'list']);
  return linesOf(said).flatMap((line) => {
    // Name Version Rev Tracking Publisher Notes
    const [name = '', version = '', revision = '', , , notes = ''] = line.trim().split(/\s+/);
    if (!/^[a-z0-9-]+(_[a-z0-9]+)?$/.test(name) || !/^x?\d+$/.test(revision)) return [];
    if (snapBase.test(notes)) return [];
    return [packageOf('snap', name, version)];
  });
}

async function readFlatpak(input: DetectInput): Promise<FoundPackage[]> {
  const columns = '--columns=application,version';
  const said = await askProgram(input, ['flatpak', 'list', '--app', columns]);
  return linesOf(said).flatMap((line) => {
    const [name = '', version = ''] = line.split('\t');
    return /^[A-Za-z_][\w-]*(\.[\w-]+)+$/.test(name) ? [packageOf('flatpak', name, version)] : [];
  });
}

function packageOf(manager: Manager, name: string, version: string): FoundPackage {
  const reason = `${manager} lists it`;
  const finding: Finding = { source: `${manager} list`, confidence: 'certain', reason };
  return { name: printable(name, 100), version: printable(version, 60), manager, finding };
}

const longestLine = 1000;
const mostLines = 20_000;

function linesOf(said: string | undefined): string[] {
  return (said ?? '').split('\n', mostLines).map((line) => line.slice(0, longestLine));
}
