import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GuestUser } from '../core/plan.ts';
import { type AccountFiles, parsePasswd, withUser } from './accounts.ts';

/** A vendor's image after its first boot, with an account of its own. */
const cloudImage: AccountFiles = {
  passwd: `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
debian:x:1000:1000:Debian:/home/debian:/bin/bash
`,
  shadow: `root:*:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
sshd:!:19000::::::
debian:!:19000:0:99999:7:::
`,
  group: `root:x:0:
daemon:x:1:
adm:x:4:debian,syslog
sudo:x:27:debian
users:x:100:
nogroup:x:65534:
debian:x:1000:
`,
};

const me: GuestUser = { name: 'me', uid: 1000, gid: 1000, shell: '/bin/zsh' };

const lineOf = (text: string, name: string) =>
  text.split('\n').filter((line) => line.startsWith(`${name}:`));

describe('an image’s own account', () => {
  test('of the same uid gives way, and nothing remembers it', () => {
    const files = withUser(cloudImage, me);
    expect(parsePasswd(files.passwd).filter(({ uid }) => uid === 1000)).toEqual([
      { name: 'me', uid: 1000, gid: 1000, home: '/home/me', shell: '/bin/zsh' },
    ]);
    expect(files.passwd + files.shadow).not.toContain('debian');
    expect(lineOf(files.group, 'sudo')).toEqual(['sudo:x:27:me']);
    expect(lineOf(files.group, 'adm')).toEqual(['adm:x:4:syslog']);
  });

  test('of the same name and another uid becomes ours', () => {
    const user = { ...me, name: 'debian', uid: 1234, gid: 1234 };
    const files = withUser(cloudImage, user);
    expect(lineOf(files.passwd, 'debian')).toEqual(['debian:x:1234:1234::/home/debian:/bin/zsh']);
    expect(lineOf(files.shadow, 'debian')).toEqual(['debian:*:19000:0:99999:7:::']);
    expect(lineOf(files.group, 'debian')).toEqual(['debian:x:1234:']);
    expect(lineOf(files.group, 'sudo')).toEqual(['sudo:x:27:debian']);
  });

  test('of a service stays as it is', () => {
    const files = withUser(cloudImage, me);
    for (const name of ['root', 'daemon', 'nobody', 'sshd']) {
      expect(lineOf(files.passwd, name)).toEqual(lineOf(cloudImage.passwd, name));
      expect(lineOf(files.shadow, name)).toEqual(lineOf(cloudImage.shadow, name));
    }
  });
});

describe('a group', () => {
  test('of the user’s gid that is there already is used', () => {
    const files = withUser(cloudImage, { ...me, gid: 100 });
    expect(lineOf(files.group, 'users')).toEqual(['users:x:100:']);
    expect(files.group.split('\n').filter((line) => line.split(':')[2] === '100')).toHaveLength(1);
    expect(lineOf(files.group, 'debian')).toEqual([]);
  });

  test('is made where none has the gid, without a double name', () => {
    const files = withUser(
      { ...cloudImage, group: `${cloudImage.group}me:x:4000:\n` },
      { ...me, gid: 5000 },
    );
    expect(lineOf(files.group, 'me')).toEqual(['me:x:5000:']);
  });
});

test('root is as the image has it', () => {
  expect(withUser(cloudImage, { name: 'root', uid: 0, gid: 0, shell: '/bin/sh' })).toBe(cloudImage);
});

test('nobody has a password, and no account is locked for sshd', () => {
  const { shadow } = withUser(cloudImage, me);
  expect(lineOf(shadow, 'me')[0]?.split(':')[1]).toBe('*');
});

test('lines of passwd that are none are left out', () => {
  expect(
    parsePasswd('\n#x\nroot:x:0:0::/root\na:x:one:2::/:/bin/sh\nb:x:1:2::/b:/bin/sh\n'),
  ).toEqual([{ name: 'b', uid: 1, gid: 2, home: '/b', shell: '/bin/sh' }]);
});

describe('of any image and user', () => {
  const name = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,8}$/).filter((text) => text !== 'root');
  const id = fc.oneof(fc.constantFrom(1, 27, 100, 1000, 1001), fc.integer({ min: 1, max: 65_533 }));
  const user = fc.record({ name, uid: id, gid: id, shell: fc.constant('/bin/sh') });
  const account = fc.record({ name, uid: id, gid: id });
  const image = fc
    .tuple(
      fc.uniqueArray(account, { selector: (one) => one.name, maxLength: 5 }),
      fc.uniqueArray(fc.record({ name, gid: id, members: fc.array(name, { maxLength: 3 }) }), {
        selector: (one) => one.name,
        maxLength: 6,
      }),
    )
    .map(([accounts, groups]): AccountFiles => {
      const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
      return {
        passwd: lines([
          'root:x:0:0:root:/root:/bin/bash',
          ...accounts.map(
            (one) => `${one.name}:x:${one.uid}:${one.gid}::/home/${one.name}:/bin/sh`,
          ),
        ]),
        shadow: lines(['root:*:1:0:9:7:::', ...accounts.map((one) => `${one.name}:!:1:0:9:7:::`)]),
        group: lines([
          'root:x:0:',
          ...groups.map((one) => `${one.name}:x:${one.gid}:${one.members.join(',')}`),
        ]),
      };
    });

  test('applying it twice changes nothing', () => {
    fc.assert(
      fc.property(image, user, (files, who) => {
        const once = withUser(files, who);
        expect(withUser(once, who)).toEqual(once);
      }),
      { numRuns: 500 },
    );
  });

  test('the user is there once, by name and by uid, in a group of its gid, and root is root', () => {
    fc.assert(
      fc.property(image, user, (files, who) => {
        const made = withUser(files, who);
        const entries = parsePasswd(made.passwd);
        const same = entries.filter((entry) => entry.name === who.name || entry.uid === who.uid);
        expect(same).toEqual([{ ...who, home: `/home/${who.name}` }]);
        expect(entries[0]).toEqual({
          ...{ name: 'root', uid: 0, gid: 0 },
          home: '/root',
          shell: '/bin/bash',
        });
        const groups = made.group
          .trimEnd()
          .split('\n')
          .map((line) => line.split(':'));
        expect(groups.some(([, , gid]) => gid === String(who.gid))).toBe(true);
        expect(new Set(groups.map(([group]) => group)).size).toBe(groups.length);
        expect(
          made.shadow
            .trimEnd()
            .split('\n')
            .map((line) => line.split(':')[0])
            .sort(),
        ).toEqual(entries.map((entry) => entry.name).sort());
        for (const text of Object.values(made)) expect(text).toMatch(/[^\n]\n$/);
      }),
      { numRuns: 500 },
    );
  });
});
