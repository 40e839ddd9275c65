import { loadavg } from 'node:os';
import type { Self } from '../../ops/bench.ts';
import type { Value } from '../option.ts';

export const againstOption: Value<'bare' | 'none'> = {
  kind: 'value',
  value: 'WHAT',
  summary: 'compare with bare (a QEMU alone; the default) or none',
  parse: (text) => {
    if (text === 'bare' || text === 'none') return text;
    throw new RangeError('is neither bare nor none');
  },
};

/** How this program was called, to call it again, and how busy the machine was before. */
export function ownArgv(): Self {
  return { argv: [process.execPath, process.argv[1] ?? ''], load: loadavg()[0] ?? Number.NaN };
}
