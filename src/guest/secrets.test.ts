import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Guest, GuestExecOptions } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createSecret } from '../core/secret.ts';
import type { PlannedSecret } from '../core/secrets.ts';
import { deliverSecrets } from './secrets.ts';

const canary = 'canary-of-the-guest';

test('secrets go to a tmpfs by standard input alone, each for its owner', async () => {
  const ran: { argv: readonly string[]; options: GuestExecOptions }[] = [];
  const guest = {
    readFile: async () => Buffer.from('me:x:1234:1234::/home/me:/bin/sh\n'),
    exec: async (argv: readonly string[], _: Io, options: GuestExecOptions = {}) => {
      ran.push({ argv, options });
      return { exitCode: 0, stdout: '', stderr: '', truncated: false };
    },
  } as unknown as Guest;
  const planned = { name: 'TOKEN', owner: 'me', mode: 0o400, service: 'web' } as PlannedSecret;
  const plan = { secrets: [planned], run: [{ name: 'web' }] } as unknown as VmPlan;
  const secrets = [{ planned, value: createSecret(canary) }];
  await deliverSecrets(guest, { plan, secrets }, quietIo());

  const told = ran.map(({ argv, options: { stdin: _, ...rest } }) => ({ argv, rest }));
  expect(JSON.stringify(told)).not.toContain(canary);
  expect(ran[0]?.argv.join(' ')).toMatch(/mount -t tmpfs .* \/run\/clonebox\/secrets$/m);
  const input = Buffer.from(ran[1]?.options.stdin as Uint8Array);
  const list = execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input, encoding: 'utf8' });
  const files = list.split('\n').filter((line) => line.startsWith('-'));
  for (const line of files) expect(line).toMatch(/ run\//);
  expect(list).toMatch(/^-r-------- 1234\/1234 .* run\/clonebox\/secrets\/\.fresh\/TOKEN$/m);
  const dropIn = /run\/systemd\S+$/m.exec(files.join('\n'))?.[0] ?? '';
  const text = execFileSync('tar', ['-xOf', '-', dropIn], { input, encoding: 'utf8' });
  expect(text).toBe(
    '[Service]\nEnvironmentFile=/run/clonebox/secrets/.environment/clonebox-run-web.service\n',
  );
  expect(list).toMatch(/^-r-------- 0\/0 .* run\/clonebox\/secrets\/\.environment\//m);
});
