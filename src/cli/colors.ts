import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** What decides about colours on one stream (https://no-color.org). */
export interface ColorQuestion {
  readonly isTty: boolean;
  /** False for `--no-color`. */
  readonly wanted: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The painter for one stream: it paints only on a terminal that was not asked to be plain. */
export function colorsFor({ isTty, wanted, env }: ColorQuestion): Colors {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
  const plain = !wanted || Boolean(env.NO_COLOR) || env.FORCE_COLOR === '0';
  return picocolors.createColors(!plain && (forced || (isTty && env.TERM !== 'dumb')));
}
