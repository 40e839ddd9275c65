import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** The checkout under test. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** The built command line: what users run. */
export const main = path.join(root, 'dist/main.js');

/** One cache for all tests of a run, so that the image is built once. */
export const cache = process.env.CLONEBOX_CACHE ?? path.join(tmpdir(), 'clonebox-test-cache');

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The one document on stdout. */
  json<T = Record<string, unknown>>(): T;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Another build of the program than dist/main.js. */
  readonly program?: string;
  /** A command that runs the command line, which is added to it. */
  readonly around?: readonly string[];
  /** Milliseconds; the process is killed and the test fails. Default ten minutes. */
  readonly timeout?: number;
  readonly input?: string;
  /** In a process group of its own, so that a test can do to all of it what a terminal does at Ctrl-C. */
  readonly group?: boolean;
  /** Sees standard error as it comes, with the process, so that a test can interrupt at a phase. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

/** Runs the built CLI to its end. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const line = [...(options.around ?? []), process.execPath, options.program ?? main, ...args];
    const child = spawn(line[0] as string, line.slice(1), {
      cwd: options.cwd,
      env: { ...process.env, CLONEBOX_CACHE: cache, NO_COLOR: '1', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: options.group ?? false,
    });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`clonebox ${args.join(' ')} took too long\n${stdout}\n${stderr}`));
    }, options.timeout ?? 600_000);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(stderr, child);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        exitCode: code ?? (signal === 'SIGKILL' ? 137 : 128),
        stdout,
        stderr,
        json: () => JSON.parse(stdout),
      });
    });
  });
}

/** As `cli`, and fails the test with everything that was said when the status is not 0. */
export async function ok(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const result = await cli(args, options);
  if (result.exitCode !== 0) {
    throw new Error(
      `clonebox ${args.join(' ')} ended with ${result.exitCode}\n${result.stdout}\n${result.stderr}`,
    );
  }
  return result;
}

/**
 * A state directory of its own for a test file, short enough for sockets. At the end its VMs are deleted, and what
 * would still run for it is killed, so that one failing test does not slow the next.
 */
export function freshHome(): string {
  const home = mkdtempSync(path.join(tmpdir(), 'cb-'));
  afterAll(async () => {
    spawnSync('pkill', ['-KILL', '-f', `${home}/`]);
    rmSync(home, { recursive: true, force: true });
  });
  return home;
}

/** A directory that is removed at the end of the test file. */
export function scratch(prefix = 'cbp-'): string {
  const directory = mkdtempSync(path.join(tmpdir(), prefix));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A copy of an example project, to be changed at will. */
export function copyExample(name: string): string {
  const target = path.join(scratch(), name);
  cpSync(path.join(root, 'examples', name), target, { recursive: true });
  return target;
}

/** Processes with this text in their command line. */
export function processesWith(text: string): string[] {
  const found = spawnSync('pgrep', ['-af', '--', text], { encoding: 'utf8' }).stdout;
  return found.split('\n').filter((line) => line !== '' && !line.includes('pgrep'));
}

if (!existsSync(main)) throw new Error('dist/main.js is not built: npm run build');
