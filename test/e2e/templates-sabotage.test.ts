import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, freshHome, ok, scratch } from './support/cli.ts';
import { buildings, configure, onlyTemplate, ownCache } from './support/templates.ts';
import { tracesOf } from './support/traces.ts';

// Guests that do not let themselves be made another machine, each in its own way, and say nothing of it or lie.

const home = freshHome();
const area = scratch();
const oldKey = path.join(scratch(), 'key');
let own: string;
let env: { CLONEBOX_HOME: string; CLONEBOX_CACHE: string };
/** Of the old key, as ssh-keygen prints it. */
let fingerprint: string;

/** How much memory stands for which sabotage: so all of them are in one template. */
const memory = { liar: '576M', 'read-only': '704M', 'old-key': '832M' } as const;

const steps = (key: string) => `provision:
  - file: /usr/local/bin/sabotage
    mode: '0755'
    content: |
      #!/bin/sh
      while read -r name size unit; do
        [ "$name" != MemTotal: ] || break
      done </proc/meminfo
      case $((size / 1024)) in
        5??) echo liar ;;
        6??) echo read-only ;;
        7??) echo old-key ;;
        *) echo "$size: none" ;;
      esac
  # Says that all is done, and does nothing.
  - file: /usr/local/share/liar
    content: |
      use Fcntl;
      exec '/usr/bin/perl', '/usr/local/lib/clonebox/honest', @ARGV if \`sabotage\` ne "liar\\n";
      until (sysopen $port, $ARGV[0], O_RDWR) { select undef, undef, undef, 0.1 }
      for (;;) {
        sysread($port, my $chunk, 65536) or select undef, undef, undef, 0.05;
        $said .= $chunk;
        while ($said =~ s/\\A(.*)\\n//) {
          next unless $1 =~ /\\Ago (\\w+)/;
          syswrite $port, "$1 ok random=" . unpack('H*', '11111111-2222-3333-4444-555555555555') . "\\n";
        }
      }
  # In the place of what is called last when a template is cleaned.
  - file: /usr/local/sbin/fstrim
    mode: '0755'
    content: |
      #!/bin/sh
      [ "$(sabotage)" = read-only ] || exit 0
      mount --bind /etc /etc && mount -o remount,bind,ro /etc
  - file: /usr/local/share/old-key
    content: ${key}
  # In a clone alone: in the template it would be found.
  - file: /usr/local/bin/serve-old-key
    mode: '0755'
    content: |
      #!/bin/sh
      [ "$(sabotage)" = old-key ] && [ "$(hostname)" != clonebox ] || exit 0
      (umask 077; base64 -d /usr/local/share/old-key >/run/old-key)
      echo 'HostKey /run/old-key' >/etc/ssh/sshd_config.d/00-old-key.conf
  # In the place of sshd.
  - file: /usr/sbin/sshd-with-old-key
    mode: '0755'
    content: |
      #!/bin/sh
      /usr/local/bin/serve-old-key
      exec /usr/sbin/sshd.real "$@"
  - run: mv /usr/sbin/sshd /usr/sbin/sshd.real && mv /usr/sbin/sshd-with-old-key /usr/sbin/sshd
  - run: cd /usr/local/lib/clonebox && mv helper honest && cp /usr/local/share/liar helper
`;

const project = (size: string) => {
  const key = readFileSync(oldKey).toString('base64');
  return configure(area, 'victim', { vm: `memory: ${size}`, more: steps(key) });
};

interface Refusal {
  error: {
    code: string;
    message: string;
    facts: { items: string[]; report?: { item: string; found: string; isRight: boolean }[] };
  };
}

/** Asks for a clone that is not to be, looks that nothing is left of it, and returns what was said of it. */
async function refused(sabotage: keyof typeof memory): Promise<Refusal['error']> {
  const line = ['clone', project(memory[sabotage]), '--run', '--no-wait', '--json'];
  const result = await cli(line, { env });
  expect(result.exitCode, result.stdout + result.stderr).toBe(8);
  expect(result.stderr).toContain("Going on from the template's memory");
  const { error } = result.json<Refusal>();
  expect(error.code).toBe('guest-failed');
  for (const item of error.facts.items) expect(error.message).toContain(item);
  expect(tracesOf(home, 'victim')).toEqual([]);
  expect(buildings(own)).toEqual([]);
  return error;
}

beforeAll(async () => {
  own = await ownCache();
  env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: own };
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'old', '-f', oldKey]);
  fingerprint =
    execFileSync('ssh-keygen', ['-lf', oldKey], { encoding: 'utf8' }).split(' ')[1] ?? '';
});

describe('a template that is asked for twice at the same time', () => {
  it('is made once; the second waits, says so, and has it too', async () => {
    const line = ['template', 'build', project(memory.liar), '--cold'];
    const both = await Promise.all([1, 2].map(() => cli(line, { env })));
    const told = both.map(({ stderr }) => stderr).join('\n\n');
    expect(
      both.map(({ exitCode }) => exitCode),
      told,
    ).toEqual([0, 0]);
    const [made, waited] = both.toSorted((a, b) => b.stderr.length - a.stderr.length);
    expect(made?.stderr).toContain('Running provisioning steps');
    expect(waited?.stderr).toContain('another process is building it; waiting');
    expect(waited?.stderr).not.toContain('Running provisioning steps');
    const { key } = await onlyTemplate(env);
    expect(readdirSync(path.join(own, 'templates'))).toEqual([key]);
    expect(both.every(({ stdout }) => stdout.startsWith(key.slice(0, 12)))).toBe(true);
  });
});

describe('a clone is refused, the item is named, and nothing is left of it', () => {
  it('when the helper in the guest says that all is done and has done nothing', async () => {
    const { facts } = await refused('liar');
    const wrong = ['machine-id', 'boot-id', 'hostname', 'hosts', 'host-key', 'login-key', 'shares'];
    expect(facts.items).toEqual(expect.arrayContaining(wrong));
  });

  it('when /etc is read-only', async () => {
    const { facts, message } = await refused('read-only');
    expect(facts.items).toEqual(['machine-id']);
    expect(message).toContain('Read-only file system');
  });

  it('when sshd serves another key than the one in its file', async () => {
    const { facts } = await refused('old-key');
    expect(facts.items).toEqual(['host-key']);
    expect(facts.report?.find(({ item }) => item === 'host-key')?.found).toBe(fingerprint);
  });

  it('and the template is there as before', async () => {
    const { warm, usedBy } = await onlyTemplate(env);
    expect(warm).toHaveLength(3);
    expect(usedBy).toEqual([]);
    expect((await ok(['list'], { env })).stdout).not.toContain('victim');
  });
});
