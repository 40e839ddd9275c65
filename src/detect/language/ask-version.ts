import type { DetectInput } from '../../core/detect.ts';
import { inTime, withDeadline } from '../../lib/deadline.ts';
import { below } from '../paths.ts';

/** Milliseconds: many are asked, and one that hangs must leave time to go on without it. */
const patience = 700;

/** How each program is asked for its version. A build tool of the JVM takes too long, and is not asked. */
const words: Readonly<Record<string, readonly string[]>> = {
  ...{ node: ['--version'], bun: ['--version'], deno: ['--version'], python: ['--version'] },
  ...{ uv: ['--version'], go: ['version'], rust: ['--version'], java: ['-version'] },
  ...{ ruby: ['--version'], php: ['--version'], gcc: ['-dumpfullversion'] },
};

/** True of a language whose program says its version at once. */
export function canBeAsked(name: string): boolean {
  return Object.hasOwn(words, name);
}

/** The version that a program says it has; `undefined` when it says none, fails or hangs. */
export async function askVersion(
  { host, scope, io, pace }: DetectInput,
  name: string,
  path: string,
): Promise<string | undefined> {
  using bounded = withDeadline(io, patience * pace, () => new Error('it hangs'));
  const argv = [below(scope.root, path), ...(words[name] ?? [])];
  // A wrapper must not fetch what it wraps, and a project's own settings are not the user's.
  const env = { LC_ALL: 'C.UTF-8', COREPACK_ENABLE_NETWORK: '0', GOTOOLCHAIN: 'local' };
  const options = { env, cwd: '/', maxBuffer: 64 * 1024 };
  try {
    const { stdout, stderr } = await inTime(host.run(argv, bounded, options), bounded.signal);
    const said = `${stdout}\n${stderr}`.slice(0, 2000);
    return /(?:^|[^\d.])(\d+\.\d+(?:\.\d+)?(?:-[\w.]+)?)/.exec(said)?.[1];
  } catch {
    io.signal.throwIfAborted();
    return undefined;
  }
}
