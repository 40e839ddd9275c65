import type { Progress } from '../core/io.ts';
import { type Transfer, trackTransfer, transferFigures } from './progress-transfer.ts';
import type { ProgressView, ViewOptions } from './progress-view.ts';
import { cutTo, formatElapsed, widthOf, wrapTo } from './text.ts';

const tick = 100;
const eraseLine = '\r\u001b[K';

/** What the live line shows. */
export interface LiveState {
  readonly title: string;
  /** Milliseconds. */
  readonly elapsed: number;
  readonly detail?: string | undefined;
  readonly transfer?: Transfer | undefined;
  /** Counts the redraws: which picture of the spinner. */
  readonly frame: number;
}

type Drawing = Pick<ViewOptions, 'colors' | 'columns' | 'unicode'>;

const symbols = {
  unicode: { spinner: [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'], done: '✓', failed: '✗', full: '█', empty: '░' },
  ascii: { spinner: [...'-\\|/'], done: '+', failed: 'x', full: '#', empty: '.' },
} as const;

function symbolsOf({ unicode }: Drawing) {
  return unicode ? symbols.unicode : symbols.ascii;
}

/** The live line: spinner, title, elapsed time, then a transfer or the last detail, cut to the columns. */
export function drawLive(state: LiveState, drawing: Drawing): string {
  const { colors, columns } = drawing;
  const { spinner } = symbolsOf(drawing);
  const time = formatElapsed(Math.floor(state.elapsed / 1000) * 1000).replace('.0s', 's');
  const title = cutTo(state.title, columns - 4 - time.length);
  const head = `${colors.cyan(spinner[state.frame % spinner.length] ?? '')} ${title}  ${colors.dim(time)}`;
  const room = columns - widthOf(title) - time.length - 6;
  if (state.transfer !== undefined)
    return `${head}  ${drawTransfer(state.transfer, room, drawing)}`;
  if (state.detail === undefined || room < 8) return head;
  return `${head}  ${colors.dim(cutTo(state.detail, room))}`;
}

function drawTransfer(transfer: Transfer, room: number, drawing: Drawing): string {
  const { full, empty } = symbolsOf(drawing);
  const figures = transferFigures(transfer);
  const length = Math.min(20, room - figures.length - 2);
  if (transfer.share === undefined || length < 5) return cutTo(figures, Math.max(0, room));
  const filled = Math.round(transfer.share * length);
  return `${drawing.colors.cyan(full.repeat(filled))}${drawing.colors.dim(empty.repeat(length - filled))}  ${figures}`;
}

/** The line that stays of a phase: `✓ title  12.3s`. */
export function drawFinished(
  outcome: 'done' | 'failed',
  { title, elapsed }: { title: string; elapsed: number },
  drawing: Drawing,
): string {
  const { colors, columns } = drawing;
  const time = formatElapsed(elapsed);
  const mark = symbolsOf(drawing)[outcome];
  const painted = outcome === 'done' ? colors.green(mark) : colors.red(mark);
  return `${painted} ${cutTo(title, columns - time.length - 4)}  ${colors.dim(time)}`;
}

/** Progress as one line that changes, with a line left behind by every finished phase. */
export function createLiveView(options: ViewOptions): ProgressView {
  const { write, colors, columns, verbose, now, every } = options;
  const track = trackTransfer(now);
  let phase: { title: string; since: number } | undefined;
  let shown: Pick<LiveState, 'detail' | 'transfer'> = {};
  let frame = 0;
  let stopTicking: (() => void) | undefined;

  const draw = () => {
    if (phase === undefined) return;
    const state = { title: phase.title, elapsed: now() - phase.since, frame: frame++, ...shown };
    write(`${eraseLine}${drawLive(state, options)}`);
  };
  const start = (title: string) => {
    phase = { title, since: now() };
    shown = {};
    stopTicking ??= every(tick, draw);
    draw();
  };
  const close = (outcome: 'done' | 'failed') => {
    if (phase === undefined) return;
    const elapsed = now() - phase.since;
    write(`${eraseLine}${drawFinished(outcome, { title: phase.title, elapsed }, options)}\n`);
    phase = undefined;
  };
  const above = (mark: string, text: string) => {
    pause();
    const lines = wrapTo(text, columns - 2);
    write(lines.map((line, index) => `${index === 0 ? mark : ' '} ${line}\n`).join(''));
    if (phase !== undefined) stopTicking ??= every(tick, draw);
  };
  const pause = () => {
    if (phase !== undefined) write(eraseLine);
    stopTicking?.();
    stopTicking = undefined;
  };

  const emit = (progress: Progress) => {
    if (progress.kind === 'phase') {
      // A rollback begins because the phase before it has failed.
      close(progress.id === 'rollback' ? 'failed' : 'done');
      start(progress.title);
    } else if (progress.kind === 'note')
      above(colors.dim(options.unicode ? '·' : '-'), progress.text);
    else if (progress.kind === 'warning') above(colors.yellow('!'), progress.text);
    else if (progress.kind === 'transfer') {
      if (phase === undefined) start(progress.what);
      shown = { transfer: track(progress) };
    } else if (verbose) above(' ', progress.text);
    else shown = { detail: progress.text };
    if (phase !== undefined) stopTicking ??= every(tick, draw);
  };
  const finish = (outcome: 'done' | 'failed') => {
    close(outcome);
    stopTicking?.();
    stopTicking = undefined;
  };
  return { emit, pause, finish };
}
