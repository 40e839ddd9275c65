import type { Progress } from '../core/io.ts';
import { describeTransfer, type Transfer, trackTransfer } from './progress-transfer.ts';
import type { ProgressView, ViewOptions } from './progress-view.ts';

/** Milliseconds and share after which a transfer is worth another line. */
const quietTime = 5000;
const quietShare = 0.1;

/** Progress as lines, for a log: titles, notes, and a transfer now and then. */
export function createPlainView(options: ViewOptions): ProgressView {
  const { write, colors, verbose, now } = options;
  const track = trackTransfer(now);
  let last: { what: string; time: number; share: number } | undefined;

  const transfer = (event: Extract<Progress, { kind: 'transfer' }>) => {
    const state = track(event);
    if (!isDue(state)) return;
    last = { what: state.what, time: now(), share: state.share ?? 0 };
    write(`  ${describeTransfer(state)}\n`);
  };
  const isDue = (state: Transfer) => {
    if (last?.what !== state.what) return true;
    const further = (state.share ?? 0) - last.share >= quietShare - 1e-9;
    return further || now() - last.time >= quietTime;
  };

  return {
    emit: (progress) => {
      if (progress.kind === 'phase') write(`${progress.title}\n`);
      else if (progress.kind === 'note') write(`${progress.text}\n`);
      else if (progress.kind === 'warning')
        write(`${colors.yellow('warning:')} ${progress.text}\n`);
      else if (progress.kind === 'transfer') transfer(progress);
      else if (verbose) write(`  ${progress.text}\n`);
    },
    pause: () => undefined,
    finish: () => undefined,
  };
}
