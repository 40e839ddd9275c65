import { type EgressSettings, egressFiles } from '../core/egress.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { findOwnProgram } from '../host/own-program.ts';
import { checkSocketPath } from '../host/sockets.ts';
import { until } from '../lib/until.ts';
import { upstreamVariables } from './upstream.ts';

/** What src/egress/main.ts is in the bundle (scripts/build.mjs). */
const programName = 'egress-proxy.mjs';

/**
 * Starts the proxy of one VM and returns once it takes connections. It ends with the machine, and is found by the
 * runtime directory in its arguments. Fails with `host-unable` when it ends at once.
 */
export async function startEgressProxy(
  host: Host,
  { runtime, settings }: { runtime: string; settings: EgressSettings },
  io: Io,
): Promise<void> {
  const files = egressFiles(runtime);
  checkSocketPath(files.socket);
  const program = await findOwnProgram(host, programName);
  await host.files.remove(files.socket);
  await host.files.writeAtomic(files.settings, JSON.stringify(settings));
  const argv = [process.execPath, program, files.settings];
  const daemon = await host.startDaemon(argv, {
    logFile: files.log,
    env: upstreamVariables(host.env),
  });
  await until(
    async () => {
      if (await isListening(host, files.socket)) return true;
      if (await host.isAlive(daemon)) return false;
      const words = (await host.files.readTail(files.log, 2000)).trim();
      throw new CloneboxError('host-unable', 'the proxy for egress: allowlist ended at once', {
        hint: /is no HTTP proxy/.test(words)
          ? 'Only proxies of the form http://HOST:PORT can be used: unset the variable for this command.'
          : undefined,
        facts: { output: words },
      });
    },
    { interval: 50, io, sleep: host.sleep },
  );
}

async function isListening(host: Host, socket: string): Promise<boolean> {
  try {
    (await host.connect(socket)).close();
    return true;
  } catch {
    return false;
  }
}
