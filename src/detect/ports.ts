import type { Detector, FoundPort } from '../core/detect.ts';
import type { Finding } from '../core/plan.ts';
import { groupBy } from '../lib/group-by.ts';
import { printable } from '../lib/printable.ts';
import { type Listener, readListeners } from './listeners.ts';
import { baseName } from './paths.ts';
import type { RunningProcess } from './processes.ts';
import { mayBeClient } from './sockets.ts';

/** The ports that something on this workstation listens at. */
export const ports: Detector<'ports'> = {
  area: 'ports',
  summary: 'ports that are listened at, and who listens',
  async detect(input) {
    const { listeners, notes } = await readListeners(input);
    for (const reason of notes) input.note(reason);
    const groups = groupBy(listeners, ({ socket, process }) =>
      [socket.protocol, socket.port, process === undefined ? '' : programOf(process)].join(' '),
    );
    return [...groups.values()]
      .map(portOf)
      .toSorted(
        (one, other) =>
          one.port - other.port ||
          one.protocol.localeCompare(other.protocol) ||
          (one.process ?? '').localeCompare(other.process ?? ''),
      );
  },
};

/** What people call a process: its program, or by its own word where that may not be read. */
function programOf({ executable, name }: RunningProcess): string {
  return printable(executable === undefined ? name : baseName(executable));
}

function portOf(group: readonly Listener[]): FoundPort {
  const [first] = group as [Listener];
  const { protocol, port } = first.socket;
  return {
    name: `${port}/${protocol}`,
    port,
    protocol,
    addresses: [...new Set(group.map(({ socket }) => socket.address))].toSorted(),
    process: first.process === undefined ? null : programOf(first.process),
    finding: { source: first.socket.source, ...certaintyOf(first) },
  };
}

function certaintyOf({ socket, process, known }: Listener): Omit<Finding, 'source'> {
  if (mayBeClient(socket)) {
    return { confidence: 'guess', reason: 'a datagram socket, which may be of a client' };
  }
  if (known === 'user') {
    const unit = printable(process?.place.unit ?? '', 60);
    return { confidence: 'likely', reason: `the user it belongs to runs only ${unit}` };
  }
  const what = socket.protocol === 'tcp' ? 'it accepts connections' : 'it takes datagrams';
  return { confidence: 'certain', reason: what };
}
