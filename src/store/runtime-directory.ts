import { CloneboxError } from '../core/errors.ts';
import type { FileFacts } from '../core/file-facts.ts';
import type { Host } from '../core/host.ts';
import type { Paths } from '../core/store.ts';

const othersMayWrite = 0o022;
const worldMayWrite = 0o002;
const sticky = 0o1000;
/** What a user namespace shows for an owner it does not map (user_namespaces(7)): root's /tmp, for one. */
const unmapped = 65_534;

/**
 * Makes the runtime directory, 0700, unless it is there. Fails with `host-unable` when somebody else could have
 * put sockets into it: anyone may make a directory of that name in a shared temporary directory.
 */
export async function ensureRuntime(host: Host, paths: Paths): Promise<void> {
  const { files } = host;
  await files.makeDirectory(paths.runtime, 0o700);
  await checkRuntime(host, paths);
  const facts = await files.facts(paths.runtime);
  if (facts !== undefined && facts.mode !== 0o700) await files.setMode(paths.runtime, 0o700);
  await files.makeDirectory(`${paths.runtime}/vms`, 0o700);
}

/**
 * Fails with `host-unable` when the runtime directory exists and is not safely this user's own; call it before
 * trusting a socket or pid file there. Writes nothing.
 */
export async function checkRuntime(host: Host, paths: Paths): Promise<void> {
  const facts = await host.files.facts(paths.runtime);
  if (facts === undefined) return;
  const fault = faultOf(facts, host.user.uid) ?? (await faultOfParent(host, paths.runtime));
  if (fault === undefined) return;
  throw new CloneboxError('host-unable', `the runtime directory ${paths.runtime} ${fault}`, {
    hint: 'Look who made it; then remove it, or set XDG_RUNTIME_DIR (or CLONEBOX_HOME) to a directory of your own.',
    facts: { path: paths.runtime, uid: facts.uid, mode: facts.mode.toString(8) },
  });
}

function faultOf(facts: FileFacts, uid: number): string | undefined {
  if (facts.kind !== 'directory') return `is a ${facts.kind}, not a directory`;
  if (facts.uid !== uid) return `belongs to another user (uid ${facts.uid})`;
  if (facts.mode & othersMayWrite) return 'can be written by other users';
  return undefined;
}

/** Who may rename entries of the parent could put another directory in the place of ours. */
async function faultOfParent(host: Host, runtime: string): Promise<string | undefined> {
  const named = runtime.slice(0, runtime.lastIndexOf('/')) || '/';
  const parent = (await host.files.realPath(named)) ?? named;
  const facts = await host.files.facts(parent);
  if (facts === undefined) return undefined;
  if (![host.user.uid, 0, unmapped].includes(facts.uid)) {
    return `is in a directory of another user (uid ${facts.uid})`;
  }
  if (facts.mode & worldMayWrite && !(facts.mode & sticky)) {
    return 'is in a directory where anyone may replace it (no sticky bit)';
  }
  return undefined;
}
