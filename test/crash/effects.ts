import { readFileSync } from 'node:fs';

/** A call that changed something below a directory, or made it durable, as strace(1) saw it. Paths are absolute. */
export type Effect =
  | { readonly kind: 'create'; readonly path: string; readonly truncate: boolean }
  | { readonly kind: 'append'; readonly path: string; readonly data: Buffer }
  | { readonly kind: 'write'; readonly path: string; readonly data: Buffer; readonly at: number }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'rename' | 'link'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink' | 'mkdir' | 'rmdir'; readonly path: string };

const calls =
  'openat,creat,write,pwrite64,pwritev,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,fallocate,copy_file_range,symlink,symlinkat';

/** What goes before a command so that its effects are written to a file. */
export function tracer(file: string): string[] {
  const how = ['-f', '--seccomp-bpf', '-y', '-xx', '-s', '4000000'];
  return ['strace', ...how, '-e', `trace=${calls}`, '-o', file];
}

/** The effects below a directory, in their order. Throws for a call it has no meaning for: nothing may go unseen. */
export function readEffects(file: string, below: string): Effect[] {
  const waiting = new Map<string, string>();
  const effects: Effect[] = [];
  for (const raw of readFileSync(file, 'latin1').split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(raw) ?? [];
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(text)?.[1];
    if (begun !== undefined) {
      waiting.set(thread, begun);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    const line = resumed === undefined ? text : `${waiting.get(thread) ?? ''}${resumed}`;
    const effect = parse(line);
    if (effect !== undefined && touches(effect, below)) effects.push(effect);
  }
  return effects;
}

function touches(effect: Effect, below: string): boolean {
  const paths = 'path' in effect ? [effect.path] : [effect.from, effect.to];
  return paths.some((path) => path === below || path.startsWith(`${below}/`));
}

function parse(line: string): Effect | undefined {
  const [, name = '', rest = '', result = ''] = /^(\w+)\((.*)\) += (-?\w+)/.exec(line) ?? [];
  if (name === '' || result.startsWith('-')) return undefined;
  const strings = [...rest.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((one) => bytes(one[1] ?? ''));
  const descriptors = [...rest.matchAll(/<((?:\\x[0-9a-f]{2})*)>/g)].map((one) =>
    bytes(one[1] ?? '').toString(),
  );
  const base = descriptors[0] ?? '';
  const path = (index: number) => absolute(strings[index]?.toString() ?? '', base);
  const numbers = rest.split(', ').map(Number);
  switch (name) {
    case 'openat':
    case 'creat':
      if (!/O_CREAT|O_TRUNC/.test(rest)) return undefined;
      return { kind: 'create', path: path(0), truncate: /O_TRUNC/.test(rest) };
    case 'write':
    case 'writev':
      return { kind: 'append', path: base, data: Buffer.concat(strings) };
    case 'pwrite64':
      return { kind: 'write', path: base, data: Buffer.concat(strings), at: numbers.at(-1) ?? 0 };
    case 'pwritev':
      return { kind: 'write', path: base, data: Buffer.concat(strings), at: numbers.at(-1) ?? 0 };
    case 'ftruncate':
      return { kind: 'truncate', path: base, size: numbers.at(-1) ?? 0 };
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', path: base };
    case 'rename':
    case 'renameat':
    case 'renameat2':
      return {
        kind: 'rename',
        from: path(0),
        to: absolute(String(strings[1]), descriptors[1] ?? ''),
      };
    case 'link':
    case 'linkat':
      return {
        kind: 'link',
        from: path(0),
        to: absolute(String(strings[1]), descriptors[1] ?? ''),
      };
    case 'unlink':
      return { kind: 'unlink', path: path(0) };
    case 'unlinkat':
      return { kind: /AT_REMOVEDIR/.test(rest) ? 'rmdir' : 'unlink', path: path(0) };
    case 'mkdir':
    case 'mkdirat':
      return { kind: 'mkdir', path: path(0) };
    case 'rmdir':
      return { kind: 'rmdir', path: path(0) };
    case 'fallocate':
      // Room, no content.
      return undefined;
    default:
      throw new Error(`a call without a meaning: ${line.slice(0, 200)}`);
  }
}

function bytes(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}

function absolute(path: string, base: string): string {
  return path.startsWith('/') || base === '' ? path : `${base}/${path}`;
}
