import type { Introduction, SetupInput } from '../../core/setup.ts';
import type { GuestFile } from '../archive.ts';
import { hostKeyFiles, loginFiles, sharedParents } from '../identity.ts';
import { liveShares, ninePOptions, shareFiles } from '../shares.ts';
import { variableFiles } from '../workstation.ts';
import type { HelperStep } from './client.ts';

/**
 * Everything that makes a machine which came from a template itself, in the order in which it is due: numbers before
 * anything is drawn, the clock before anything is dated. After `first` it can be asked for its host key.
 * `now` is this host's clock, in milliseconds
 * since the epoch: the request is sent at once.
 */
export function introductionSteps(
  { plan, shareDriver }: SetupInput,
  { identity, workstation }: Introduction,
  { ownKey, now }: { ownKey: string; now: number },
): { first: HelperStep[]; rest: HelperStep[] } {
  const driver = shareDriver ?? '9p';
  const shares = liveShares(plan, driver);
  // A machine that booted may have the other kind, which its own unit mounts.
  const mounts = driver === '9p' ? shares : [];
  const files = [
    ...loginFiles(plan, ownKey),
    ...variableFiles(workstation, plan.environment),
    ...sharedParents(plan),
    // For its later boots: now they are mounted by the helper.
    ...shareFiles(shares),
  ];
  const first: HelperStep[] = [
    ['random', identity.entropy],
    clockStep(now),
    ['machine-id', identity.machineId],
    ...hostKeyFiles(identity.hostKey).map(fileStep),
  ];
  const rest: HelperStep[] = [
    ['boot-id', identity.bootId],
    ['hostname', identity.hostname],
    ...files.map(fileStep),
    ...mounts.map(
      ({ tag, guest, mode }): HelperStep => ['mount', tag, guest, ninePOptions, mode as string],
    ),
  ];
  return { first, rest };
}

/** The host's clock, to be sent at once. */
export function clockStep(now: number): HelperStep {
  return ['clock', String(BigInt(Math.round(now * 1000)) * 1000n)];
}

/** How the helper is asked for a file, a directory (one that is there stays as it is) or a link. */
export function fileStep(file: GuestFile): HelperStep {
  const { path, uid = 0, gid = 0 } = file;
  if (file.link !== undefined) return ['link', path, file.link];
  const mode = (file.mode ?? (file.directory ? 0o755 : 0o644)).toString(8);
  const owned = [path, mode, String(uid), String(gid)] as const;
  if (file.directory) return ['directory', ...owned];
  return ['file', ...owned, file.bytes ?? file.content ?? ''];
}
