import type { Host } from '../../core/host.ts';
import type { Paths } from '../../core/store.ts';
import { homeFiles } from '../paths.ts';

/** Where an audit log is: below a state directory. */
export interface AuditPlace {
  readonly host: Host;
  readonly paths: Pick<Paths, 'home'>;
}

/** The files of an audit log. */
export interface AuditFiles {
  readonly directory: string;
  readonly current: string;
  readonly head: string;
  readonly ballast: string;
  readonly lock: string;
}

export function auditFiles({ home }: Pick<Paths, 'home'>): AuditFiles {
  return {
    directory: `${home}/${homeFiles.audit}`,
    current: `${home}/${homeFiles.auditFile}`,
    head: `${home}/${homeFiles.auditHead}`,
    ballast: `${home}/${homeFiles.auditBallast}`,
    lock: `${home}/${homeFiles.auditLock}`,
  };
}

/** The name of the current segment in messages; older ones are `audit-N.jsonl`. */
export const currentName = 'audit.jsonl';

/** What an older segment is called. */
export function segmentName(number: number): string {
  return `audit-${number}.jsonl`;
}

/** The numbers of the older segments, oldest first. */
export async function segmentNumbers({ host, paths }: AuditPlace): Promise<number[]> {
  const names = await host.files.list(auditFiles(paths).directory);
  return names
    .flatMap((name) => /^audit-([1-9]\d{0,8})\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
