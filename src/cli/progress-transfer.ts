import { formatBytes } from '../lib/bytes.ts';
import { formatElapsed } from './text.ts';

/** A transfer with what follows from its history. */
export interface Transfer {
  readonly what: string;
  readonly done: number;
  readonly total: number | undefined;
  /** 0 to 1, where the total is known. */
  readonly share: number | undefined;
  /** Bytes a second over the last seconds; `undefined` until there is something to measure. */
  readonly rate: number | undefined;
  /** Milliseconds left at this rate. */
  readonly left: number | undefined;
}

interface Report {
  readonly what: string;
  readonly done: number;
  readonly total: number | undefined;
}

/** Milliseconds over which a rate is measured: long enough to be calm, short enough to be true. */
const span = 5000;

/** Follows one transfer after the other; each report gives its state so far. */
export function trackTransfer(now: () => number): (report: Report) => Transfer {
  let what: string | undefined;
  let samples: { time: number; done: number }[] = [];
  return (report) => {
    const time = now();
    const before = samples.at(-1);
    // Another file, or the same one from its beginning.
    if (what !== report.what || (before !== undefined && report.done < before.done)) samples = [];
    what = report.what;
    // Many small reports are one sample: the list stays short.
    if (before === undefined || samples.length === 0 || time - before.time >= 100) {
      samples.push({ time, done: report.done });
    }
    samples = samples.filter(
      (sample, index) => time - sample.time <= span || index === samples.length - 1,
    );
    return { ...report, ...measured(report, samples[0], time) };
  };
}

function measured(
  { done, total }: Report,
  first: { time: number; done: number } | undefined,
  time: number,
): Pick<Transfer, 'share' | 'rate' | 'left'> {
  const share = total !== undefined && total > 0 ? Math.min(1, done / total) : undefined;
  const elapsed = first === undefined ? 0 : time - first.time;
  if (first === undefined || elapsed < 500) return { share, rate: undefined, left: undefined };
  const rate = ((done - first.done) / elapsed) * 1000;
  const left = total !== undefined && rate > 0 ? ((total - done) / rate) * 1000 : undefined;
  return { share, rate, left: left === undefined ? undefined : Math.max(0, left) };
}

/** `disk.qcow2: 45% of 350M, 12.3M/s, 1m20s left` */
export function describeTransfer(transfer: Transfer): string {
  return `${transfer.what}: ${transferFigures(transfer)}`;
}

/** `45% of 350M, 12.3M/s, 1m20s left` */
export function transferFigures({ done, total, share, rate, left }: Transfer): string {
  const amount =
    share === undefined || total === undefined
      ? formatBytes(done)
      : `${Math.floor(share * 100)}% of ${formatBytes(total)}`;
  const parts = [
    amount,
    ...(rate === undefined ? [] : [`${formatBytes(rate)}/s`]),
    ...(left === undefined || share === 1 ? [] : [`${formatElapsed(left)} left`]),
  ];
  return parts.join(', ');
}
