import * as z from 'zod';
import type { Started } from '../../core/driver.ts';
import type { Machine } from './process.ts';

/** What a running machine was started with; lives and dies with its runtime directory. */
const Run = z.object({
  accel: z.object({ accel: z.enum(['kvm', 'tcg']), reason: z.string() }),
  network: z.object({
    backend: z.string(),
    hostIsolated: z.boolean(),
    // A machine that was started before networks could be closed has an open one.
    egress: z.enum(['open', 'closed']).default('open'),
    reason: z.string(),
  }),
  shareDriver: z.enum(['9p', 'virtiofs']).optional(),
  resumed: z.enum(['own', 'shared']).optional(),
});

/** What the machine of this runtime directory was started with; honest when the file is lost or damaged. */
export async function readRun({ host, files }: Machine): Promise<Omit<Started, 'process'>> {
  const text = await host.files.readText(files.run);
  const parsed = Run.safeParse(text === undefined ? undefined : safeJson(text));
  const unknown = 'the record of this start is lost';
  return parsed.success
    ? { ...parsed.data, shareDriver: parsed.data.shareDriver, resumed: parsed.data.resumed }
    : {
        accel: { accel: 'tcg', reason: unknown },
        network: { backend: 'unknown', hostIsolated: false, egress: 'open', reason: unknown },
        shareDriver: undefined,
        resumed: undefined,
      };
}

/** Writes down what a machine runs with. */
export async function writeRun(
  { host, files }: Machine,
  run: Omit<Started, 'process'>,
): Promise<void> {
  const { accel, network, shareDriver, resumed } = run;
  await host.files.writeAtomic(files.run, JSON.stringify({ accel, network, shareDriver, resumed }));
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
