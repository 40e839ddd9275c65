import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import { parseVmName, type VmName } from '../core/name.ts';
import { uninterrupted } from '../core/quiet-io.ts';
import type { Self } from './bench.ts';
import type { CloneResult } from './clone.ts';
import { deleteVm } from './delete.ts';
import { configName } from './floors.ts';
import { recoverAll } from './recover.ts';
import { inspectTemplate } from './templates/inspect.ts';
import { templateUsers } from './templates/users.ts';

/** A project that was made to be measured, and what its VM is called. */
export interface BenchProject {
  readonly name: VmName;
  readonly directory: string;
}

/** Some of them, and what can be done with each. */
export interface Bench {
  readonly projects: readonly BenchProject[];
  /** Writes its file: lines of `vm` and others as they are. */
  write(project: BenchProject, lines?: { vm?: string; more?: string }): Promise<void>;
  /** Makes its VM by the command line, as a user would. `onLine` hears what is told meanwhile. */
  clone(project: BenchProject, clone: CloneWords): Promise<CloneResult>;
  /** Its VM is gone for good; nothing when there is none. */
  remove(project: BenchProject): Promise<void>;
  /** Templates that were not there before, and that no VM needs, are gone. */
  forget(): Promise<void>;
}

export interface CloneWords {
  readonly words?: readonly string[];
  readonly onLine?: (line: string) => void;
}

/** A server of a line each time, of nothing but what every image has: one more template would be measured else. */
const server = `my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die; while (my $c = $s->accept) { print $c "here\\n"; close $c }`;

/** The file of a project with a server on a port. `vm` and `more` are further lines of it, as they are. */
export function projectText(
  name: string,
  { image, vm = '', more = '' }: { image: string; vm?: string; more?: string },
): string {
  return `version: '2'
vm: { name: ${name}, image: '${image}', cpus: 2, memory: 1G${vm && `, ${vm}`} }
run:
  web:
    command: [perl, -MIO::Socket::INET, -e, '${server}']
    port: 8080
${more}`;
}

/**
 * Does something with so many new projects. Their VMs, their directories, and the templates that were made for them are gone
 * afterwards, after a failure and a Ctrl-C too.
 */
export async function withProjects<T>(
  ctx: Ctx,
  { self, count, image }: { self: Self; count: number; image: string },
  action: (bench: Bench) => Promise<T>,
): Promise<T> {
  // Not in the state directory: nothing of that is ever shared.
  const base = `${ctx.host.env.TMPDIR || '/tmp'}/clonebox-bench-${process.pid}`;
  const { files } = ctx.host;
  const projects = Array.from({ length: count }, (_, index) => ({
    name: parseVmName(`bench-${process.pid}-${index + 1}`),
    directory: `${base}/${index + 1}`,
  }));
  const before = await storedKeys(ctx);
  const ours = new Set<string>();
  const bench: Bench = {
    projects,
    write: async ({ name, directory }, lines = {}) => {
      await files.makeDirectory(directory);
      const text = projectText(name, { image, ...lines });
      await files.writeAtomic(`${directory}/${configName}`, text);
      const target = { target: directory, other: undefined, cwd: directory, verify: false };
      ours.add((await inspectTemplate(ctx, target)).key);
    },
    clone: async ({ directory }, { words = [], onLine }) => {
      const argv = ['clone', directory, '--run', '--json', ...words];
      return JSON.parse(await runSelf(ctx, self, { argv, onLine })) as CloneResult;
    },
    remove: ({ name }) => removeVm(ctx, name),
    forget: () => forgetTemplates(ctx, { before, ours }),
  };
  try {
    return await action(bench);
  } catch (error) {
    await takeAway(ctx, async (own) => void (await recoverAll(own)));
    throw error;
  } finally {
    for (const { name } of projects) await takeAway(ctx, (own) => removeVm(own, name));
    await takeAway(ctx, () => files.remove(base));
    await takeAway(ctx, (own) => forgetTemplates(own, { before, ours }));
  }
}

/** Runs this very CloneBox, and returns what it printed. Fails with `partial` and what it said. */
export async function runSelf(
  ctx: Ctx,
  self: Self,
  { argv, onLine }: { argv: readonly string[]; onLine?: CloneWords['onLine'] },
): Promise<string> {
  const run = await ctx.host.run([...self.argv, ...argv], ctx.io, onLine ? { onLine } : {});
  if (run.exitCode === 0) return run.stdout;
  throw new CloneboxError(
    'partial',
    `clonebox ${argv.join(' ')} failed with ${run.exitCode}: ${run.stdout}${run.stderr}`,
  );
}

/** What cannot be taken away is told, and keeps nothing else from it; a Ctrl-C does not either. */
async function takeAway(ctx: Ctx, action: (own: Ctx) => Promise<void>): Promise<void> {
  const own = Object.create(ctx, {
    io: { value: uninterrupted(ctx.io), enumerable: true },
  }) as Ctx;
  await action(own).catch((error: unknown) => {
    ctx.io.emit({ kind: 'warning', text: `bench could not clean up: ${reasonOf(error)}` });
  });
}

async function removeVm(ctx: Ctx, name: VmName): Promise<void> {
  try {
    await deleteVm(ctx, { target: name, cwd: '/', purge: true, confirm: async () => true });
  } catch (error) {
    if (!isCloneboxError(error, 'not-found')) throw error;
  }
}

/** Keys of templates, and `KEY/SHAPE` of their memories. */
async function storedKeys(ctx: Ctx): Promise<ReadonlySet<string>> {
  const templates = await ctx.templates.list();
  return new Set(
    templates.flatMap(({ key, warm }) => [key, ...warm.map((one) => `${key}/${one.key}`)]),
  );
}

async function forgetTemplates(
  ctx: Ctx,
  { before, ours }: { before: ReadonlySet<string>; ours: ReadonlySet<string> },
): Promise<void> {
  const isNew = (key: string) => !before.has(key) && ours.has(key.split('/')[0] ?? '');
  if (![...(await storedKeys(ctx))].some(isNew)) return;
  const inUse = async () => (await templateUsers(ctx, await ctx.templates.list())).inUse;
  await ctx.templates.prune(inUse, ctx.io, {
    only: ({ key }, warm) => isNew(warm === undefined ? key : `${key}/${warm.key}`),
  });
}
