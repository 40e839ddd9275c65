import { linkSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cannotRoot,
  createRootedGuest,
  type RootedGuest,
} from '../../test/fixtures/rooted-guest.ts';
import { recordOf, web } from '../../test/fixtures/store-bed.ts';
import type { Guest } from '../core/guest.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { SetupInput } from '../core/setup.ts';
import { cleanGuest, quietGuest, startServices } from './bake.ts';

// The scripts of a template's guest, run for real in a root of their own.

const { plan } = recordOf(web, [], {
  user: { name: 'me', uid: 1234, gid: 1234, shell: '/bin/bash' },
  services: ['nginx', 'lighttpd'],
  templates: { warm: true, pool: 0, resident: ['lighttpd'] },
});
const body = `${'AbC+/0'.repeat(12)}\n`;
const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}-----END OPENSSH PRIVATE KEY-----\n`;
const keeping = 'root=/dev/vda clonebox.keeping quiet\n';

let bed: RootedGuest;

/** The list of units that run, in the place of systemd's, and a record of what is asked of it. */
const addresses = '/proc/sys/kernel/randomize_va_space';
const systemctl = `#!/bin/sh
cat ${addresses} >>/addresses
case $1 in
  list-units) cat /units ;;
  *) echo "$*" >>/asked ;;
esac
case $* in
  start*broken*) exit 1 ;;
esac
`;
const units = [
  ...[
    'systemd-logind.service',
    'ssh.service',
    'dbus.service',
    'getty@tty1.service',
    'qemu-guest-agent.service',
  ],
  ...['clonebox-helper.service', 'nginx.service', 'lighttpd.service', 'postgresql@15-main.service'],
];

beforeEach(() => {
  if (cannotRoot) return;
  bed = createRootedGuest();
  bed.write('/proc/cmdline', 'root=/dev/vda quiet\n');
  bed.write(addresses, '2\n');
  bed.write('/etc/machine-id', `${'a'.repeat(32)}\n`);
  bed.write('/etc/hosts', '127.0.0.1 localhost\n127.0.1.1 old-name\n10.0.0.7 database\n');
  bed.write('/etc/hostname', 'old-name\n');
  bed.write('/root/.bashrc', '');
  bed.write('/var/log/dpkg.log', 'installed\n');
  bed.write('/usr/local/sbin/systemctl', systemctl, 0o755);
  bed.write('/usr/local/lib/clonebox/make-missing', '#!/bin/sh\necho missing >>/asked\n', 0o755);
  bed.write('/units', units.map((unit) => `${unit} loaded active running What it is\n`).join(''));
});
afterEach(() => {
  if (!cannotRoot) bed.remove();
});

const clean = (stay?: readonly string[]) => cleanGuest(bed.guest, { plan, stay, io: quietIo() });

/** What cleaning has complained of. */
async function left(): Promise<readonly string[]> {
  const failure = await clean().then(
    () => undefined,
    (error) => error,
  );
  expect(failure).toMatchObject({ code: 'guest-failed', facts: { phase: 'clean' } });
  for (const what of failure.facts.left) expect(failure.message).toContain(what);
  return failure.facts.left;
}

describe.skipIf(cannotRoot)('cleaning a template', () => {
  const gone = [
    ...[
      '/etc/ssh/ssh_host_ed25519_key',
      '/etc/ssh/ssh_host_ed25519_key.pub',
      '/etc/ssh/ssh_host_rsa_key',
    ],
    ...[
      '/etc/ssl/private/ssl-cert-snakeoil.key',
      '/var/lib/systemd/random-seed',
      '/var/lib/systemd/credential.secret',
    ],
    ...[
      '/root/.bash_history',
      '/home/me/.bash_history',
      '/home/me/.python_history',
      '/home/me/.cache/x/y',
    ],
    ...['/root/.ssh/authorized_keys', '/home/me/.ssh/authorized_keys', '/var/lib/dbus/machine-id'],
    ...['/var/lib/dhcp/dhclient.leases', `/var/log/journal/${'a'.repeat(32)}/system.journal`],
    ...['/var/log/syslog.1', '/var/log/apt/term.log.gz', '/tmp/.hidden', '/tmp/x/y', '/var/tmp/z'],
    ...['/var/cache/apt/pkgcache.bin', '/var/cache/apt/archives/git.deb'],
  ];

  it("takes away what is one machine's alone, and what nobody needs", async () => {
    for (const path of gone) bed.write(path, path.endsWith('key') ? pem : 'x\n');
    await clean();
    expect(gone.filter((path) => bed.read(path) !== undefined)).toEqual([]);
    expect(bed.read('/etc/machine-id')).toBe('');
    expect(bed.read('/etc/environment')).toBe('');
    expect(bed.read('/var/log/dpkg.log')).toBe('');
  });

  it('leaves the names of the template in the place of any other, and other lines as they are', async () => {
    await clean();
    expect(bed.read('/etc/hostname')).toBe('clonebox\n');
    expect(bed.read('/etc/hosts')).toBe(
      '127.0.0.1 localhost\n10.0.0.7 database\n127.0.1.1 clonebox\n',
    );
  });

  it('writes over a private key before it removes it: its blocks stay on the disk', async () => {
    const key = '/etc/ssh/ssh_host_ed25519_key';
    bed.write(key, pem);
    linkSync(bed.outside(key), bed.outside('/blocks'));
    await clean();
    expect(bed.read(key)).toBeUndefined();
    expect(readFileSync(bed.outside('/blocks')).every((byte) => byte === 0)).toBe(true);
    expect(bed.read('/blocks')).toHaveLength(pem.length);
  });

  it('leaves the files of packages and of the user', async () => {
    const kept = [
      '/home/me/.bashrc',
      '/home/me/.ssh/config',
      '/etc/nginx/nginx.conf',
      '/var/lib/app/data',
      '/srv/x',
    ];
    for (const path of kept) bed.write(path, 'x\n');
    await clean();
    expect(kept.filter((path) => bed.read(path) !== 'x\n')).toEqual([]);
  });

  it('may be done again', async () => {
    await clean();
    const before = bed.files('/etc');
    await clean();
    expect(bed.files('/etc')).toEqual(before);
  });

  it.each([
    '/etc/nginx/tls.key',
    '/root/id_ed25519',
    '/home/me/.ssh/id_rsa',
    '/home/other/.ssh/id_rsa',
    '/var/lib/app/server.pem',
    '/var/www/site/server.pem',
    '/opt/app/key with blanks',
    '/srv/key',
    '/usr/local/etc/app.key',
  ])('refuses a private key in %s, and names it', async (path) => {
    bed.write(path, pem);
    expect(await left()).toEqual([`${path} (a private key)`]);
  });

  it('refuses a private key in another text', async () => {
    bed.write('/srv/account.json', JSON.stringify({ private_key: pem }));
    expect(await left()).toEqual(['/srv/account.json (a private key)']);
  });

  it('takes public keys, certificates, and the examples that packages bring', async () => {
    bed.write('/etc/ssl/cert.pem', `-----BEGIN CERTIFICATE-----\n${body}`);
    bed.write('/home/me/.ssh/id_rsa.pub', 'ssh-rsa AAAA me\n');
    bed.write('/opt/app/node_modules/x/key.pem', pem);
    bed.write('/opt/app/tests/key.pem', pem);
    await clean();
    expect(bed.read('/opt/app/tests/key.pem')).toBe(pem);
  });

  it('names everything that comes back while it cleans', async () => {
    // In the place of the last program that it calls.
    bed.write(
      '/usr/local/sbin/fstrim',
      '#!/bin/sh\nmkdir -p /run/clonebox/secrets\necho x >/run/clonebox/secrets/token\necho x >/root/.bash_history\necho x >/etc/machine-id\n',
      0o755,
    );
    expect(await left()).toEqual([
      '/root/.bash_history',
      '/run/clonebox/secrets/token',
      '/etc/machine-id',
    ]);
  });
});

it('is quiet when two looks in a row saw its processors do next to nothing', async () => {
  const busy = [50, 3, 60, 3, 3, 70];
  let ticks = 1000;
  const looks: number[] = [];
  const guest = {
    exec: async () => ({ exitCode: 0, stdout: 'degraded', stderr: '' }),
    readFile: async () => Buffer.from(`cpu  ${ticks} 10 20 999999 5\ncpu0 1 2 3\n`),
  } as unknown as Guest;
  await quietGuest(guest, quietIo(), async (milliseconds) => {
    ticks += busy[looks.length] ?? 0;
    looks.push(milliseconds);
  });
  expect(looks).toHaveLength(5);
});

describe.skipIf(cannotRoot)('a template whose memory will be kept', () => {
  beforeEach(() => bed.write('/proc/cmdline', keeping));

  it('has the machine id that it runs with: its clones must have another', async () => {
    await clean([]);
    expect(bed.read('/etc/machine-id')).toBe(`${'a'.repeat(32)}\n`);
  });

  it('does not run the units of packages, but for those that may stay, and its own', async () => {
    await clean(['lighttpd']);
    expect(bed.read('/var/lib/clonebox/services')).toBe(
      'nginx.service\npostgresql@15-main.service\n',
    );
    expect(bed.read('/asked')?.split('\n')[0]).toBe(
      'stop nginx.service postgresql@15-main.service',
    );
  });

  it('has all of them started again in each clone, after what is missing was made', async () => {
    await clean(['lighttpd']);
    bed.write('/asked', '');
    await startServices({ plan, guest: bed.guest } as SetupInput, quietIo());
    expect(bed.read('/asked')).toBe(
      'missing\nstart -- nginx.service postgresql@15-main.service nginx\n',
    );
    expect(bed.read('/var/lib/clonebox/services')).toBeUndefined();
  });

  it('has a unit of a package that fails, and its clones are none the worse for it', async () => {
    bed.write('/var/lib/clonebox/services', 'broken.service\nnginx.service\n');
    await startServices({ plan, guest: bed.guest } as SetupInput, quietIo());
    const asked = ['missing', 'start -- broken.service nginx.service nginx', 'start -- nginx', ''];
    expect(bed.read('/asked')?.split('\n')).toEqual(asked);
  });

  it('has clones that fail when a service of the plan does', async () => {
    const input = {
      plan: { ...plan, services: ['broken'] },
      guest: bed.guest,
    } as unknown as SetupInput;
    await expect(startServices(input, quietIo())).rejects.toMatchObject({
      code: 'guest-failed',
      facts: { phase: 'services' },
    });
  });

  it('is cleaned by programs at fixed addresses, and has random ones again', async () => {
    await clean(['lighttpd']);
    expect(new Set(bed.read('/addresses'))).toEqual(new Set('0'));
    expect(bed.read(addresses)).toBe('2\n');
  });

  it('has nothing to stop when no package has a unit', async () => {
    bed.write('/units', 'ssh.service loaded active running\n');
    await clean([]);
    expect(bed.read('/var/lib/clonebox/services')).toBe('');
    expect(bed.read('/asked')).toBeUndefined();
  });
});
