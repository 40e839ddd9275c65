import type { SshOptions } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { VmRecord } from '../core/record.ts';
import type { VmPaths } from '../core/store.ts';
import { sshConfigQuote } from '../lib/quote.ts';

/** The name a VM's host key is pinned under: ports change, this does not. */
export function hostKeyAlias(record: VmRecord): string {
  return `clonebox-${record.plan.name}`;
}

/** The settings that reach a VM by ssh: its key alone, its host key alone, nothing of the user's own. */
export function sshSettings(record: VmRecord, paths: VmPaths): [string, string][] {
  const port = record.leases.find((lease) => lease.name === 'ssh')?.host;
  if (port === undefined) throw new CloneboxError('not-found', `${record.name} has no ssh port`);
  return [
    ['HostName', '127.0.0.1'],
    ['Port', String(port)],
    ['User', record.plan.user.name],
    ['IdentityFile', paths.key],
    ['IdentitiesOnly', 'yes'],
    ['IdentityAgent', 'none'],
    ['UserKnownHostsFile', paths.knownHosts],
    ['GlobalKnownHostsFile', '/dev/null'],
    ['HostKeyAlias', hostKeyAlias(record)],
    ['HostKeyAlgorithms', 'ssh-ed25519'],
    ['StrictHostKeyChecking', 'yes'],
    // For an editor's stanza: what the user has set for all hosts is not for a guest.
    ['ForwardAgent', 'no'],
    ['ForwardX11', 'no'],
    ['GSSAPIDelegateCredentials', 'no'],
    ['PermitLocalCommand', 'no'],
    ['LogLevel', 'ERROR'],
  ];
}

/** argv of an ssh to this VM; the remote command's words, if any, follow. */
export async function sshArgv(
  host: Host,
  record: VmRecord,
  options: SshOptions & { paths: VmPaths },
): Promise<string[]> {
  const settings = sshSettings(record, options.paths).map(([key, value]): [string, string] =>
    key === 'User' && options.user !== undefined ? [key, options.user] : [key, value],
  );
  return [
    await host.require('ssh'),
    ...['-F', 'none'],
    ...settings.flatMap(([key, value]) => ['-o', `${key}=${sshConfigQuote(value)}`]),
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=60', '-o', 'ServerAliveInterval=30'],
    options.tty ? '-tt' : '-T',
    ...(options.extra ?? []),
    hostKeyAlias(record),
  ];
}

/** Makes the VM's own key and the guest's host key, and pins the latter. Never touches a key of the user. */
export async function makeKeys(
  host: Host,
  record: VmRecord,
  options: { paths: VmPaths; io: Io },
): Promise<void> {
  const { paths, io } = options;
  for (const [path, comment] of [
    [paths.key, `clonebox-${record.plan.name}`],
    [paths.hostKey, `host-${record.plan.name}`],
  ] as const) {
    await makeKey(host, { path, comment }, io);
  }
  const hostPublic = ((await host.files.readText(`${paths.hostKey}.pub`)) ?? '')
    .split(' ')
    .slice(0, 2)
    .join(' ');
  await host.files.writeAtomic(paths.knownHosts, `${hostKeyAlias(record)} ${hostPublic}\n`);
}

/** Makes an ed25519 key pair, `path` and `path.pub`, 0600 and durable; returns the public half. Neither may be there. */
export async function makeKey(
  host: Host,
  { path, comment }: { path: string; comment: string },
  io: Io,
): Promise<string> {
  const argv = ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path];
  const result = await host.run([await host.require('ssh-keygen'), ...argv], io, {
    timeout: 30_000,
  });
  if (result.exitCode !== 0) {
    throw new CloneboxError('host-unable', `ssh-keygen failed: ${result.stderr.trim()}`, {
      facts: { path },
    });
  }
  await host.files.setMode(`${path}.pub`, 0o600);
  // ssh-keygen does not: a cut of the power would leave a VM that nobody can log in to.
  for (const file of [path, `${path}.pub`]) await host.files.sync(file);
  return ((await host.files.readText(`${path}.pub`)) ?? '').trim();
}
