import type { OpenFile } from '../../core/host.ts';
import { type AuditPlace, auditFiles, currentName, segmentName, segmentNumbers } from './place.ts';

/** One file of the log. */
export interface Segment {
  readonly name: string;
  /** `undefined` when it is gone. Close it when done. */
  open(): Promise<OpenFile | undefined>;
}

/** The whole log as it is now: a rotation that comes later neither doubles nor hides a line. */
export interface OpenLog {
  /** Oldest first; the current one last, if there is one. */
  readonly segments: readonly Segment[];
  close(): Promise<void>;
}

/** Opens the log without a lock. Older segments never change; the current one is held open under whatever name. */
export async function openLog(place: AuditPlace): Promise<OpenLog> {
  const { directory, current } = auditFiles(place.paths);
  const { files } = place.host;
  for (;;) {
    const before = await segmentNumbers(place);
    const file = await files.open(current);
    const after = await segmentNumbers(place);
    if (before.length !== after.length) {
      await file?.close();
      continue;
    }
    const older = after.map((number): Segment => {
      const name = segmentName(number);
      return { name, open: () => files.open(`${directory}/${name}`) };
    });
    const close = async () => file?.close();
    if (file === undefined) return { segments: older, close };
    const kept: OpenFile = { ...file, close: async () => {} };
    return { segments: [...older, { name: currentName, open: async () => kept }], close };
  }
}
