import type { NeededRun, NeededSetup, NeededTool } from '../../core/needs.ts';
import { rangeOf, rangeOfPin } from './constraint.ts';
import type { ProjectFile, ProjectReader, ProjectTexts } from './reader.ts';
import { gemsOf, libraries } from './ruby-gems.ts';
import {
  askedTool,
  distinctTools,
  isAside,
  likely,
  linesOf,
  nameOfFile,
  packagesFor,
} from './text.ts';

const lockFile = 'Gemfile.lock';

/** Ruby: Gemfile and its lock, .ruby-version, and the server of a Rails project. */
export const ruby: ProjectReader = {
  name: 'ruby',
  wants: (path) =>
    path === '.ruby-version' ||
    path === lockFile ||
    (nameOfFile(path) === 'Gemfile' && !isAside(path)),
  read(files, tree) {
    const notes: string[] = [];
    const gemfiles = files.filter(({ path }) => nameOfFile(path) === 'Gemfile');
    const first = gemfiles[0] ?? files[0];
    if (first === undefined) return {};
    const gems = gemfiles.flatMap(gemsOf);
    const versions = [
      ...files
        .filter(({ path }) => path === '.ruby-version')
        .flatMap((file) => pinned(file, notes)),
      ...gemfiles.flatMap((file) => asked(file, notes)),
    ];
    const lock = files.find(({ path }) => path === lockFile);
    // Where nothing asks for a version, the one that was there when it was locked will do.
    if (versions.length === 0 && lock) versions.push(...locked(lock, notes));
    const tool = (name: string, reason: string): NeededTool => {
      return { name, range: undefined, finding: likely(first.path, reason) };
    };
    const bundler = gemfiles.length > 0 ? [tool('bundler', 'its gems come from a Gemfile')] : [];
    const hasGemfile = gemfiles.some(({ path }) => path === 'Gemfile');
    return {
      ecosystems: ['Ruby'],
      tools: distinctTools([...versions, tool('ruby', 'a Ruby project'), ...bundler]),
      packages: packagesFor(libraries, lock ? [...gems, ...gemsOf(lock)] : gems),
      run: gems.some(({ name }) => name === 'rails') ? railsServer(tree) : [],
      notes:
        gems.some(({ name }) => name === 'rails') && tree.has('bin/rails')
          ? [...notes, 'the tables of its database are not made yet: bin/rails db:prepare']
          : notes,
      setup: hasGemfile && gems.length > 0 ? installation(tree) : [],
    };
  },
};

/** `3.2.2`, `ruby-3.2.2`. */
function pinned({ path, text }: ProjectFile, notes: string[]): NeededTool[] {
  const written =
    linesOf(text)
      .map((line) => line.trim())
      .find((line) => line !== '') ?? 'system';
  const range = written === 'system' ? '*' : rangeOfPin(written.replace(/^ruby-/, ''));
  return askedTool(path, { name: 'ruby', label: 'Ruby', written, range }, notes);
}

/** The line `ruby "~> 3.1"` of a Gemfile; `ruby file: ".ruby-version"` says what that file does. */
function asked({ path, text }: ProjectFile, notes: string[]): NeededTool[] {
  const line = linesOf(text).find((one) => /^\s*ruby[\s(]/.test(one));
  if (line === undefined || /\bfile[:\s]/.test(line)) return [];
  // What comes after these is about another Ruby's own version.
  const [own = ''] = line.split(/,\s*:?(?:engine|patchlevel)\b/, 1);
  const written = [...own.matchAll(/["']([^"']{1,40})["']/g)].map((match) => match[1]).join(', ');
  if (written === '') return [];
  return askedTool(
    path,
    { name: 'ruby', label: 'Ruby', written, range: rangeOf('gem', written) },
    notes,
  );
}

function locked({ path, text }: ProjectFile, notes: string[]): NeededTool[] {
  const lines = linesOf(text);
  const next = lines[lines.indexOf('RUBY VERSION') + 1] ?? '';
  const written = /^\s*ruby (\d[\d.]{0,20})/.exec(next)?.[1];
  if (written === undefined) return [];
  const range = rangeOfPin(written);
  return askedTool(path, { name: 'ruby', label: 'Ruby', written, range }, notes);
}

function railsServer(tree: ProjectTexts): NeededRun[] {
  if (!tree.has('bin/rails')) return [];
  const command = ['bin/rails', 'server', '-b', '0.0.0.0', '-p', '3000'];
  const finding = likely('bin/rails', 'how Rails serves it');
  return [{ name: 'web', command, env: {}, port: 3000, finding }];
}

function installation(tree: ProjectTexts): NeededSetup[] {
  if (tree.has('vendor/bundle')) return [];
  const command = 'bundle config set --local path vendor/bundle && bundle install';
  return [{ command, finding: likely('Gemfile', 'its gems are not installed') }];
}
