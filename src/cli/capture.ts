/** Bytes of one stream that are kept; what comes after them is dropped. */
const most = 16 * 1024 * 1024;

export interface CapturedTexts {
  readonly stdout: string;
  readonly stderr: string;
  /** True when there was more than is kept. */
  readonly truncated: boolean;
}

/** Collects the output of a guest's command, bounded: a guest may write for ever. */
export function captureOutput(): {
  add: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  texts: () => CapturedTexts;
} {
  const kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const sizes = { stdout: 0, stderr: 0 };
  let truncated = false;
  return {
    add: (stream, chunk) => {
      const part = chunk.subarray(0, most - sizes[stream]);
      if (part.length < chunk.length) truncated = true;
      sizes[stream] += part.length;
      kept[stream].push(part);
    },
    texts: () => ({
      stdout: Buffer.concat(kept.stdout).toString('utf8'),
      stderr: Buffer.concat(kept.stderr).toString('utf8'),
      truncated,
    }),
  };
}
