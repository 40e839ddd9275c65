import type { Progress } from '../core/io.ts';
import type { Colors } from './colors.ts';

/** Shows what an operation tells while it runs. Everything goes to standard error. */
export interface ProgressView {
  emit(progress: Progress): void;
  /** Lets something else write to the terminal: the live line is away until the next change. */
  pause(): void;
  /** The operation is over; its last phase is closed. */
  finish(outcome: 'done' | 'failed'): void;
}

export interface ViewOptions {
  readonly write: (text: string) => void;
  readonly colors: Colors;
  /** At most 80. */
  readonly columns: number;
  readonly verbose: boolean;
  /** False where the terminal has no such letters. */
  readonly unicode: boolean;
  /** Milliseconds. */
  readonly now: () => number;
  /** Calls again and again until the returned function is called. */
  readonly every: (milliseconds: number, action: () => void) => () => void;
}
