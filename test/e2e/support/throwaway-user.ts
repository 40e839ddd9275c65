import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, chmodSync, constants, readdirSync, readFileSync } from 'node:fs';

/** A process as /proc shows it. */
export interface UserProcess {
  readonly pid: number;
  /** Real, effective, saved and file system uid. */
  readonly uids: readonly number[];
  readonly command: string;
}

export interface Output {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An account of this machine with a range of subordinate ids, made for one test file. */
export interface ThrowawayUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Runs argv as that user in a login-like environment: none of the caller's variables but those given. */
  run(
    argv: readonly string[],
    options?: { env?: Readonly<Record<string, string>>; cwd?: string; timeout?: number },
  ): Promise<Output>;
  /** Living processes of the user and of its subordinate users. */
  processes(): UserProcess[];
  /** True for this user and its subordinate users. */
  owns(uid: number): boolean;
  /** Ends its processes and removes it with its home directory. */
  remove(): void;
}

/** Why no user can be made here, or none that may do what a desktop's user may; `undefined` when it can. */
export async function noUserReason(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'making a throwaway user needs root';
  try {
    for (const program of ['useradd', 'userdel', 'setpriv'])
      execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { env: { PATH: searchPath } });
    accessSync('/etc/passwd', constants.W_OK);
    const user = makeThrowawayUser();
    const probe = await user.run(['unshare', '--map-auto', '--map-root-user', 'true']);
    user.remove();
    return probe.exitCode === 0
      ? undefined
      : `a plain user may not make user namespaces here: ${probe.stderr.trim()}`;
  } catch (error) {
    return `users cannot be made here: ${error}`;
  }
}

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function tool(...argv: string[]): string {
  const [program = '', ...rest] = argv;
  const env = { ...process.env, PATH: searchPath };
  return execFileSync(program, rest, { encoding: 'utf8', stdio: 'pipe', env });
}

/** Every living process of this machine. */
export function allProcesses(): UserProcess[] {
  return readdirSync('/proc').flatMap((entry): UserProcess[] => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const status = readFileSync(`/proc/${entry}/status`, 'utf8');
      if (/^State:\s+[ZX]/m.test(status)) return [];
      const uids = /^Uid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? [];
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return [{ pid: Number(entry), uids, command }];
    } catch {
      return []; // Gone between the two looks.
    }
  });
}

/** Makes the user; its home directory is closed to others, as on most systems. */
export function makeThrowawayUser(): ThrowawayUser {
  const name = `cbu${randomBytes(3).toString('hex')}`;
  tool('useradd', '--create-home', '--shell', '/bin/bash', name);
  const [uid = 0, gid = 0] = [tool('id', '-u', name), tool('id', '-g', name)].map(Number);
  const home = `/home/${name}`;
  chmodSync(home, 0o750);
  if (subordinateRange(name) === undefined) {
    const range = `${700_000_000 + uid * 65_536}-${700_000_000 + uid * 65_536 + 65_535}`;
    tool('usermod', '--add-subuids', range, '--add-subgids', range, name);
  }
  const range = subordinateRange(name);
  const owns = (id: number) =>
    id === uid || (range !== undefined && id >= range.first && id < range.first + range.count);
  const processes = () => allProcesses().filter(({ uids }) => uids.some(owns));
  return {
    ...{ name, uid, gid, home, owns, processes },
    run: (argv, options = {}) => runAs({ name, uid, gid }, argv, { cwd: home, ...options }),
    remove: () => {
      for (let tries = 0; tries < 50 && processes().length > 0; tries++) {
        for (const { pid } of processes()) killOne(pid);
        execFileSync('sleep', ['0.1']);
      }
      tool('userdel', '--remove', '--force', name);
    },
  };
}

function subordinateRange(name: string): { first: number; count: number } | undefined {
  const line = readFileSync('/etc/subuid', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  const [, first, count] = (line ?? '').split(':').map(Number);
  return first && count ? { first, count } : undefined;
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function runAs(
  user: { name: string; uid: number; gid: number },
  argv: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>>; timeout?: number },
): Promise<Output> {
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--reset-env'];
  const variables = Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`);
  const words = [...identity, '--', 'env', ...variables, ...argv];
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', words, {
      cwd: options.cwd,
      env: { PATH: searchPath },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) killOne(-child.pid);
      reject(new Error(`${argv.join(' ')} took too long\n${stdout}\n${stderr}`));
    }, options.timeout ?? 120_000);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? 128, stdout, stderr });
    });
  });
}
