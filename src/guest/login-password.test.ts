import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verify } from 'unixcrypt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Guest, GuestExecOptions } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createSecret } from '../core/secret.ts';
import type { PasswordChange } from '../core/setup.ts';
import {
  applyPassword,
  dropPassword,
  passwordLogins,
  preparePassword,
  setPassword,
} from './login-password.ts';

// The scripts really run, with a directory for /etc and for /run, and with programs that write down what they were asked.

const debianPam = `account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so 
account\trequisite\t\t\tpam_deny.so
auth\t[success=1 default=ignore]\tpam_unix.so nullok
`;

let root: string;
let guest: Guest;
let seen: { argv: readonly string[]; stdin: string }[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cb-'));
  for (const part of ['bin', 'run', 'etc/pam.d', 'etc/ssh/sshd_config.d'])
    mkdirSync(join(root, part), { recursive: true });
  const program = (name: string, body: string) => {
    writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(root, 'bin', name), 0o755);
  };
  const note = `echo "$(basename "$0") $*" >> ${root}/ran`;
  program('chpasswd', `${note}; cat >> ${root}/ran`);
  program('chage', note);
  program('systemctl', note);
  writeFileSync(join(root, 'etc/pam.d/common-account'), debianPam);
  seen = [];
  guest = {
    exec: async (argv: readonly string[], _: Io, { stdin = '' }: GuestExecOptions = {}) => {
      seen.push({ argv, stdin: String(stdin) });
      const own = (word: string) => word.replaceAll(/\/(etc|run)\//g, `${root}/$1/`);
      const [shell = '', ...rest] = argv.map(own);
      const env = { PATH: `${join(root, 'bin')}:/usr/bin:/bin` };
      execFileSync(shell, rest, { input: String(stdin), env });
      return { exitCode: 0, stdout: '', stderr: '', truncated: false };
    },
  } as unknown as Guest;
});
afterEach(() => rmSync(root, { recursive: true }));

const text = (path: string) => readFileSync(join(root, path), 'utf8');
const set = (change: Partial<PasswordChange>) => {
  const plain = { user: 'me', password: createSecret('hush-hush'), expire: false, ssh: false };
  return setPassword(guest, { ...plain, ...change }, quietIo());
};

describe('setPassword', () => {
  it('sends the hash by standard input, and the password nowhere', async () => {
    await set({});
    const [line = '', rest] = text('ran').split('\n').slice(1);
    expect(text('ran')).toMatch(/^chpasswd -e\nme:\$6\$/);
    expect(verify('hush-hush', line.slice('me:'.length))).toBe(true);
    expect(rest).toBe('');
    expect(JSON.stringify(seen)).not.toContain('hush-hush');
    expect(JSON.stringify(seen.map(({ argv }) => argv))).not.toContain('$6$');
    expect(readdirSync(join(root, 'run/clonebox'))).toEqual([]);
    expect(text('etc/pam.d/common-account')).toBe(debianPam);
  });

  it('expires it, for those alone who come by it, and twice is as good as once', async () => {
    await set({ expire: true });
    await set({ expire: true });
    expect(text('ran').match(/^chage .*$/gm)).toEqual(['chage -d 0 -- me', 'chage -d 0 -- me']);
    expect(text('etc/pam.d/common-account')).toBe(
      debianPam.replace('pam_unix.so \n', 'pam_unix.so no_pass_expiry \n'),
    );
  });

  it('lets sshd take it when that is wanted', async () => {
    await set({ ssh: true });
    expect(text('etc/ssh/sshd_config.d/20-clonebox-password.conf')).toBe(passwordLogins('me'));
    expect(text('ran')).toMatch(
      /systemctl is-active --quiet ssh.service\nsystemctl reload ssh.service\n$/,
    );
  });

  it('takes it away again', async () => {
    await set({ password: undefined });
    expect(text('ran')).toBe('chpasswd -e\nme:*\n');
  });
});

describe('a password that waits', () => {
  const use = { user: 'me', expire: false, ssh: false };
  const prepare = () =>
    preparePassword(guest, { user: 'me', password: createSecret('hush-hush') }, quietIo());

  it('is for root alone, and nobody has it before it is applied', async () => {
    await prepare();
    expect(statSync(join(root, 'run/clonebox/password')).mode & 0o777).toBe(0o600);
    expect(existsSync(join(root, 'ran'))).toBe(false);
    await applyPassword(guest, use, quietIo());
    expect(text('ran')).toMatch(/^chpasswd -e\nme:\$6\$/);
  });

  it('is applied once, however often that is asked for', async () => {
    await prepare();
    await applyPassword(guest, use, quietIo());
    await applyPassword(guest, use, quietIo());
    expect(text('ran').match(/chpasswd/g)).toHaveLength(1);
  });

  it("that was dropped is nobody's", async () => {
    await prepare();
    await dropPassword(guest, quietIo());
    await dropPassword(guest, quietIo());
    await applyPassword(guest, use, quietIo());
    expect(existsSync(join(root, 'ran'))).toBe(false);
    expect(readdirSync(join(root, 'run/clonebox'))).toEqual([]);
  });
});

describe('passwordLogins', () => {
  it('opens sshd for one user and nobody else', () => {
    expect(passwordLogins('me').split('\n')).toEqual([
      ...['Match User me', '  PasswordAuthentication yes', 'Match all', ''],
    ]);
  });

  it('opens it for root only where the user is root', () => {
    expect(passwordLogins('root')).toContain('\n  PermitRootLogin yes\n');
  });
});
