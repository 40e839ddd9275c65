import { readdirSync, readFileSync } from 'node:fs';
import type { Inherit } from '../core/process.ts';

/** O_CLOEXEC as fdinfo has it (proc(5)): octal. */
const closedOnExec = 0o2000000;

/**
 * The first entries of a child's `stdio`, and `instead` in the place of each descriptor that it would have by nobody's
 * will: Node keeps to itself what it has opened and the lowest ones that it was started with, and passes on the rest. A
 * shell has the pipe of `2> >(tee log)` at 63, and what goes on running would keep `tee` from ending.
 */
export function withoutInherited<T>(stdio: readonly T[], instead: number): (T | number | null)[] {
  const all: (T | number | null)[] = [...stdio];
  for (const descriptor of readdirSync('/proc/self/fd').map(Number)) {
    if ((stdio[descriptor] ?? null) !== null || !isInherited(descriptor)) continue;
    while (all.length < descriptor) all.push(null);
    all[descriptor] = instead;
  }
  return all;
}

function isInherited(descriptor: number): boolean {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(text)?.[1] ?? '', 8);
    return (flags & closedOnExec) === 0;
  } catch {
    // The one that the directory was read by.
    return false;
  }
}

/** The entries of a child's `stdio`, of which there are `before` already, for what it is to inherit. */
export function handedOn(inherit: Inherit | undefined, before: number): (number | null)[] {
  if (inherit === undefined) return [];
  const between = Array<null>(inherit.from - before).fill(null);
  return [...between, ...inherit.own.map((descriptor) => descriptor ?? null)];
}
