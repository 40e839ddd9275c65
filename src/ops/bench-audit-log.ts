import type { AuditEntry } from '../core/audit.ts';
import type { Ctx } from '../core/ctx.ts';
import { formatHead, formatLine, type Link, origin } from '../store/audit/line.ts';
import { auditFiles, segmentName } from '../store/audit/place.ts';

/** One event in so many is of the rare user, and each kind of event has its share. */
export const rareUser = 'admin';
export const rareEvent = 'vm.create';
const rareEvery = 997;
const kinds = ['vm.start', 'vm.exec', 'vm.stop', 'vm.copy', 'vm.create', 'port.add'] as const;
const vms = 40;
const begin = Date.UTC(2026, 0);
const partLength = 1 << 20;

/** An audit log in a directory of its own, with so many events of about 450 bytes in a real chain. */
export async function writeBenchLog(
  ctx: Ctx,
  home: string,
  { events, segmentBytes }: { events: number; segmentBytes: number },
): Promise<void> {
  const { files } = ctx.host;
  const { directory, current, head } = auditFiles({ home });
  await files.makeDirectory(directory, 0o700);
  let link: Link = origin;
  let next = 0;
  const segment = async function* () {
    for (let written = 0; next < events && written < segmentBytes; ) {
      let part = '';
      while (next < events && part.length < partLength) {
        const line = formatLine(benchEntry(next), link);
        part += line.text;
        link = line.link;
        next += 1;
      }
      written += part.length;
      ctx.io.signal.throwIfAborted();
      yield part;
    }
  };
  for (let number = 1; next < events; number += 1) {
    const file = `${directory}/${segmentName(number)}`;
    await files.writeAtomic(file, segment(), 0o600);
    if (next >= events) await files.rename(file, current);
  }
  await files.overwriteSynced(head, formatHead(link));
}

/** An event like those of a workstation. */
export function benchEntry(index: number): AuditEntry {
  const started = begin + index * 1000;
  const id = `${started.toString(16).padStart(11, '0')}${(index % 0xfffff).toString(16).padStart(5, '0')}`;
  const failed = index % 50 === 7;
  return {
    id,
    time: new Date(started + 700).toISOString(),
    event: kinds[index % kinds.length] ?? rareEvent,
    outcome: failed ? 'failure' : 'success',
    actor: {
      user: index % rareEvery === 0 ? rareUser : 'alice',
      ...{ uid: 1000, login: 'alice', host: 'station', pid: 1000 + (index % 30_000), remote: null },
    },
    target: { type: 'vm', name: `project-${index % vms}` },
    durationMs: index % 5000,
    correlation: id,
    parent: null,
    details: {},
    error: failed ? { code: 'guest-failed', message: 'the guest did not answer' } : null,
  };
}
