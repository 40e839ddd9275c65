import { posix } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import { isWithin } from '../lib/is-within.ts';
import { mountNames } from '../lib/mount-names.ts';
import { writableShares } from './floors.ts';

/** The directories in which CloneBox keeps its own, and what moves each of them. */
export async function ownPlaces({ host, store }: Ctx) {
  const { paths } = store;
  const settings = posix.dirname(paths.secretSettings);
  const places = [
    { path: paths.home, what: 'its own state', variable: 'CLONEBOX_HOME' },
    { path: paths.cache, what: 'its images and templates', variable: 'CLONEBOX_CACHE' },
    { path: settings, what: 'your settings', variable: 'XDG_CONFIG_HOME' },
    { path: paths.runtime, what: 'the sockets of running VMs', variable: 'XDG_RUNTIME_DIR' },
  ];
  return Promise.all(
    places.map(async (place) => ({
      ...place,
      path: await canonical(host, place.path),
      written: place.path,
    })),
  );
}

/** Of a place that is not there yet, what is there of its path counts. */
async function canonical(host: Ctx['host'], path: string): Promise<string> {
  const real = await host.files.realPath(path);
  if (real !== undefined || path === '/') return real ?? path;
  return posix.join(await canonical(host, posix.dirname(path)), posix.basename(path));
}

/**
 * Where CloneBox itself keeps keys, records, settings, disks and their digests is no guest's business, wherever it was moved
 * to. Fails with `refused` when one of these shares, or one that a guest of another VM writes to, has to do with it.
 */
export async function requireApart(ctx: Ctx, shares: VmPlan['shares']): Promise<void> {
  const touched = await placesTouched(ctx);
  for (const { host } of shares) {
    const place = touched(host);
    if (place === undefined) continue;
    throw new CloneboxError(
      'refused',
      `${host} is never shared: CloneBox keeps ${place.what} in ${place.path}`,
      {
        hint: `Move one of them away from the other (${place.variable}).`,
        facts: { path: host, place: place.path },
      },
    );
  }
  await requireUnshared(ctx);
}

/** Fails with `refused` when a guest of any VM may write where CloneBox keeps its own. */
export async function requireUnshared(ctx: Ctx): Promise<void> {
  const shares = await writableShares(ctx);
  if (shares.length === 0) return;
  const touched = await placesTouched(ctx);
  for (const host of shares) {
    const place = touched(host);
    if (place === undefined) continue;
    throw new CloneboxError(
      'refused',
      `a VM may write to ${host}, and CloneBox would keep ${place.what} in ${place.path}`,
      {
        hint: `Move it elsewhere (${place.variable}).`,
        facts: { path: host, place: place.path },
      },
    );
  }
}

/** Finds the own place that is in a directory, or around it, by any name that a mount gives one of them. */
async function placesTouched(ctx: Ctx) {
  const own = await ownPlaces(ctx);
  const otherNames = mountNames((await ctx.host.files.readText('/proc/self/mountinfo')) ?? '');
  const names = (path: string) => [path, ...otherNames(path)];
  return (directory: string) =>
    own.find(({ path, written }) =>
      // As it is written too: a link in a share may lead elsewhere in a moment.
      [written, ...names(path)].some((place) =>
        names(directory).some((share) => isWithin(place, share) || isWithin(share, place)),
      ),
    );
}
