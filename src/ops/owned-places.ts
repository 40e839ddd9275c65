import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { FileFacts } from '../core/file-facts.ts';
import { shellQuote } from '../lib/quote.ts';
import { ownPlaces } from './own-places.ts';

const groupMayWrite = 0o020;
const othersMayWrite = 0o002;

/**
 * Sees to it that nobody else writes where CloneBox keeps state, settings, images and templates: what is there is believed,
 * and settings name programs. Each must belong to the user or to root, and be writable by nobody else. Fails with `refused`,
 * and says what mends it; one that is not there yet is no failure.
 */
export async function requireOwned(ctx: Ctx): Promise<void> {
  const { paths } = ctx.store;
  const places = (await ownPlaces(ctx)).filter(({ path }) => path !== paths.runtime);
  const files = [paths.secretSettings, paths.profiles, paths.trust, paths.shared];
  for (const path of new Set([...places.map(({ path }) => path), ...files])) {
    const real = (await ctx.host.files.realPath(path)) ?? path;
    const facts = await ctx.host.files.facts(real);
    const fault = facts && (await faultOf(ctx, facts));
    if (facts === undefined || fault === undefined) continue;
    throw new CloneboxError(
      'refused',
      `${real} ${fault.is}: CloneBox would believe what is in it`,
      {
        hint: `Look who has written there. Then: ${fault.mend} ${shellQuote(real)}`,
        facts: { path: real, uid: facts.uid, gid: facts.gid, mode: facts.mode.toString(8) },
      },
    );
  }
}

async function faultOf(
  { host }: Ctx,
  { uid, gid, mode }: FileFacts,
): Promise<{ is: string; mend: string } | undefined> {
  const { user } = host;
  if (uid !== user.uid && uid !== 0)
    return { is: `belongs to another user (uid ${uid})`, mend: `sudo chown -R ${user.uid}` };
  if (mode & othersMayWrite) return { is: 'can be written by every user', mend: 'chmod -R o-w' };
  if (mode & groupMayWrite && !(await isPrivate(host, gid)))
    return { is: `can be written by its group (gid ${gid})`, mend: 'chmod -R g-w' };
  return undefined;
}

/** Whether nobody but the user, and root, is in a group. */
async function isPrivate({ user, files }: Ctx['host'], gid: number): Promise<boolean> {
  const rows = async (file: string) =>
    ((await files.readText(file)) ?? '').split('\n').map((line) => line.split(':'));
  const group = (await rows('/etc/group')).find((row) => row[2] === String(gid));
  // One that is not in the file may be anybody's.
  if (group === undefined) return false;
  const listed = (group[3] ?? '').split(',').filter((name) => name !== '');
  const first = (await rows('/etc/passwd'))
    .filter((row) => row[3] === String(gid))
    .map(([name]) => name);
  return [...listed, ...first].every((name) => name === user.name || name === 'root');
}
