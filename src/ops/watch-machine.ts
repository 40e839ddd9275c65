import { dirname } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import type { Driver } from '../core/driver.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import { readableLines } from '../lib/readable.ts';

/** A started machine, and where in its serial log this boot begins: earlier ones are not its words. */
export interface WatchedMachine {
  readonly name: VmName;
  readonly driver: Driver;
  readonly disk: string;
  readonly serialLog: string;
  readonly serialFrom: number;
}

const lookEvery = 1000;
/** Less than this free on the disk explains why a machine was paused. */
const nothingLeft = 64 * 1024 * 1024;
const panic = /Kernel panic|Unable to mount root fs/;

/**
 * Runs `action` for as long as the machine lives. When it ends, panics, or is paused because its disk cannot be
 * written, that is the error, at once: a guest that stands still answers nobody, and only deadlines would end the wait.
 */
export async function whileAlive<T>(
  ctx: Ctx,
  machine: WatchedMachine,
  { io, action }: { io: Io; action: (io: Io) => Promise<T> },
): Promise<T> {
  const over = new AbortController();
  const signal = AbortSignal.any([io.signal, over.signal]);
  const watched = { ...io, signal };
  const end = watchForEnd(ctx, machine, watched).catch((error: unknown) => {
    over.abort(error);
    throw error;
  });
  try {
    return await Promise.race([action(watched), end]);
  } finally {
    over.abort(new Error('the watch has ended'));
  }
}

async function watchForEnd(
  ctx: Ctx,
  machine: WatchedMachine,
  io: { readonly signal: AbortSignal } & Io,
): Promise<never> {
  const { name, driver } = machine;
  for (;;) {
    await ctx.host.sleep(lookEvery, io.signal);
    const state = await driver.inspect(name, io);
    if (state.kind === 'stopped' || state.kind === 'absent') {
      throw new CloneboxError('hypervisor-failed', 'the machine ended while it was made ready', {
        hint: `See what it wrote: clonebox logs ${name}; CLONEBOX_ACCEL=tcg does without KVM.`,
      });
    }
    if (state.kind === 'paused') throw await whyPaused(ctx, machine);
    if (panic.test(await consoleLines(ctx, machine)))
      throw new CloneboxError('guest-failed', "the guest's kernel panicked");
  }
}

async function whyPaused(ctx: Ctx, { disk }: WatchedMachine): Promise<CloneboxError> {
  const free = await ctx.host.files.freeBytes(dirname(disk));
  const facts = { free };
  return free < nothingLeft
    ? new CloneboxError('host-unable', 'the disk of this host is full: the machine was paused', {
        hint: 'Free some space (`clonebox image prune`, `clonebox list`), then try again.',
        facts,
      })
    : new CloneboxError('hypervisor-failed', 'the machine was paused by an I/O error of its disk', {
        hint: "Look at this host's own log (dmesg): its disk may be failing.",
        facts,
      });
}

/** The last lines that this boot wrote to its console; of a panic those that led to it, not what the kernel dumps. */
export async function consoleLines(ctx: Ctx, machine: WatchedMachine): Promise<string> {
  const path = machine.serialLog;
  const written = ((await ctx.host.files.facts(path))?.size ?? 0) - machine.serialFrom;
  if (written <= 0) return '';
  const lines = readableLines(await ctx.host.files.readTail(path, Math.min(written, 16_384)));
  const at = lines.findIndex((line) => panic.test(line));
  return (at < 0 ? lines : lines.slice(0, at + 1)).slice(-12).join('\n');
}
