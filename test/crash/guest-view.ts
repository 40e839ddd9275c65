import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { verify } from 'unixcrypt';
import { filesWith } from '../e2e/support/files-with.ts';
import type { Bed } from './bed.ts';

// What is in the running guest of `shop` that only the guest can tell, for the model of the operations that change it.

export const newPassword = 'canary-of-the-crash-bed';

/**
 * Runs lines of shell as root in the guest. One that is paused, since it had no room for what it wrote, is started anew, as
 * its user is told to.
 */
async function inside(bed: Bed, script: string): Promise<string> {
  const argv = ['exec', 'shop', '--as', 'root', '--', 'sh', '-c', script];
  let result = await bed.run(argv);
  if (/shop is paused/.test(result.stderr)) {
    const restarted = await bed.run(['restart', 'shop', '--force', '--no-wait']);
    if (restarted.exitCode !== 0) throw new Error(`it does not start: ${restarted.stderr}`);
    result = await bed.run(argv);
  }
  const { exitCode, stdout, stderr } = result;
  if (exitCode !== 0) throw new Error(`the guest says ${exitCode}: ${stdout}${stderr}`);
  return stdout.trim();
}

/** Which key logs in, and who else does. Throws when the key of the VM does not: then nobody does any more. */
export async function keysOf(bed: Bed): Promise<unknown> {
  const key = path.join(bed.home, 'vms/shop/key');
  const halves = (text: string) => text.trim().split(' ').slice(0, 2).join(' ');
  const own = halves(execFileSync('ssh-keygen', ['-y', '-f', key], { encoding: 'utf8' }));
  const first = halves(readFileSync(path.join(bed.kept('stopped'), 'vms/shop/key.pub'), 'utf8'));
  const keys = await inside(bed, 'cd /root/.ssh; stat -c "%a %U" *; cat authorized_keys');
  const [facts, ...lines] = keys.split('\n');
  if (!lines.map(halves).includes(own)) throw new Error(`no key logs in any more: ${keys}`);
  return {
    key: own === first ? 'the one before' : 'a new one',
    // ssh goes by the public half when there is one.
    pair: halves(readFileSync(`${key}.pub`, 'utf8')) === own,
    ...{ others: lines.length - 1, facts },
  };
}

/**
 * Whether root has the new password, and where in the guest there are hashes beside shadow(5): one waits in its memory
 * until the next command settles it. Throws when the password or a hash is anywhere on this side.
 */
export async function passwordOf(bed: Bed): Promise<unknown> {
  const [, hash = '', changed] = (await inside(bed, 'grep ^root: /etc/shadow')).split(':');
  const hashes = await inside(bed, "grep -rls '[$]6[$]' /run /tmp /root /etc; true");
  const kept = readdirSync(bed.home).map((name) => path.join(bed.home, name));
  const here = [
    ...filesWith(newPassword, [bed.home, '/dev/shm']),
    ...filesWith('$6$', [...kept.filter((file) => !file.endsWith('/vms')), '/dev/shm']),
  ];
  if (here.length > 0) throw new Error(`left: ${here}`);
  return {
    password: hash.startsWith('$') && verify(newPassword, hash) ? 'the new one' : hash,
    expired: changed === '0',
    left: hashes.split('\n').filter((file) => !/^(\/etc\/shadow-?)?$/.test(file)),
  };
}
