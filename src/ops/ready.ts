import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { VmRecord } from '../core/record.ts';
import { withDeadline } from '../lib/deadline.ts';

/** TCP ports somebody listens on in the guest, from /proc/net/tcp and tcp6 (proc(5)): no process is started there. */
export async function listeningPorts(guest: Guest, io: Io): Promise<Set<number>> {
  const ports = new Set<number>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = Buffer.from((await guest.readFile(file, io)) ?? []).toString('utf8');
    // sl local_address rem_address st …: state 0A is LISTEN, the address ends in :PORT in hex.
    for (const match of text.matchAll(
      /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /gm,
    )) {
      ports.add(Number.parseInt(match[1] ?? '0', 16));
    }
  }
  return ports;
}

/**
 * Waits until every declared port is listened on in the guest and answers here. Fails with `guest-failed` and the last
 * lines of the unit behind a port that does not come, at once when that unit has failed for good.
 */
export async function waitForPorts(ctx: Ctx, record: VmRecord, guest: Guest): Promise<void> {
  const waiting = new Map(
    record.leases
      .filter((lease) => record.plan.ports.some((port) => port.guest === lease.guest))
      .map((lease) => [lease.guest, lease]),
  );
  if (waiting.size === 0) return;
  ctx.io.emit({
    kind: 'phase',
    id: 'ports',
    title: `Waiting for ${[...waiting.values()].map(describe).join(', ')}`,
  });
  const late = () =>
    new CloneboxError(
      'guest-failed',
      `nothing listens on ${[...waiting.values()].map(describe).join(', ')} in the guest`,
    );
  const limited = withDeadline(ctx.io, portTimeout, late);
  try {
    // Each look costs the guest time that it needs for what is waited for: later ones are rarer.
    for (let round = 0, pause = 100; ; round++, pause = Math.min(pause * 1.25, 1000)) {
      const listening = await listeningPorts(guest, limited);
      for (const lease of waiting.values()) {
        if (listening.has(lease.guest) && (await ctx.host.portAnswers(lease.host, limited.signal)))
          waiting.delete(lease.guest);
      }
      if (waiting.size === 0) return;
      if (round % 10 === 9) await failForDeadUnit(record, guest, limited);
      await ctx.host.sleep(pause, limited.signal);
    }
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    if (!(error instanceof CloneboxError)) throw error;
    const lines = await unitLines(ctx, guest, { record, ports: [...waiting.keys()] });
    throw new CloneboxError('guest-failed', `${error.message}${lines ? `\n${lines}` : ''}`, {
      hint: `${record.name} is up and can be inspected: clonebox logs ${record.name} --journal, clonebox ssh ${record.name}; --no-wait does not wait for ports.`,
      facts: { ...error.facts, phase: 'ports', ports: [...waiting.keys()], lines },
    });
  } finally {
    limited.dispose();
  }
}

/** Milliseconds a declared port has to answer after the machine is up. */
const portTimeout = 180_000;

function describe(lease: { name: string; guest: number }): string {
  return lease.name === String(lease.guest)
    ? `port ${lease.guest}`
    : `${lease.name} (port ${lease.guest})`;
}

function unitsBehind(record: VmRecord, ports: readonly number[]): string[] {
  return record.plan.run
    .filter((unit) => unit.port !== undefined && ports.includes(unit.port))
    .map((unit) => `clonebox-run-${unit.name}.service`);
}

async function failForDeadUnit(record: VmRecord, guest: Guest, io: Io): Promise<void> {
  for (const unit of unitsBehind(
    record,
    record.plan.run.map((run) => run.port ?? 0),
  )) {
    const result = await guest.exec(
      ['systemctl', 'show', '-p', 'ActiveState', '--value', unit],
      io,
      { timeout: 30_000 },
    );
    if (result.stdout.trim() === 'failed')
      throw new CloneboxError('guest-failed', `${unit} failed`, { facts: { unit } });
  }
}

async function unitLines(
  ctx: Ctx,
  guest: Guest,
  behind: { record: VmRecord; ports: readonly number[] },
): Promise<string> {
  const units = unitsBehind(behind.record, behind.ports);
  if (units.length === 0) return '';
  const argv = [
    'journalctl',
    '-b',
    '--no-pager',
    '-o',
    'cat',
    '-n',
    '15',
    ...units.flatMap((unit) => ['-u', unit]),
  ];
  return guest.exec(argv, ctx.io, { timeout: 30_000 }).then(
    (result) => result.stdout.trim(),
    () => '',
  );
}
