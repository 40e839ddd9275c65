import type { Progress } from '../core/io.ts';
import { readableLines } from '../lib/readable.ts';
import { createLiveView } from './progress-live.ts';
import { createPlainView } from './progress-plain.ts';
import type { ProgressView, ViewOptions } from './progress-view.ts';

/** A live line for people, lines for a log, or only warnings. Texts of the guest are made harmless first. */
export function createProgress(
  mode: 'live' | 'plain' | 'quiet',
  options: ViewOptions,
): ProgressView {
  const view = mode === 'live' ? createLiveView(options) : createPlainView(options);
  return {
    ...view,
    emit: (progress) => {
      if (mode === 'quiet' && progress.kind !== 'warning') return;
      const safe = harmless(progress);
      if (safe !== undefined) view.emit(safe);
    },
  };
}

function harmless(progress: Progress): Progress | undefined {
  const clean = (text: string) => readableLines(text).join('\n');
  if (progress.kind === 'phase') return { ...progress, title: clean(progress.title) };
  if (progress.kind === 'transfer') return { ...progress, what: clean(progress.what) };
  const text =
    progress.kind === 'detail' ? readableLines(progress.text).at(-1) : clean(progress.text);
  return text ? { ...progress, text } : undefined;
}
