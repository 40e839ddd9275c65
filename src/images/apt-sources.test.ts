import { describe, expect, test } from 'vitest';
import { parseDeb822Sources, parseOneLineSources } from './apt-sources.ts';

const debian12 = `# See https://wiki.example/SourcesList for more.
deb http://mirror.example/debian bookworm main non-free-firmware
deb-src http://mirror.example/debian bookworm main non-free-firmware

deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] https://mirror.example/debian-security/ bookworm-security main  # the important one
#deb http://mirror.example/debian bookworm-backports main
deb cdrom:[Debian GNU/Linux 12.5.0 _Bookworm_ - Official amd64 NETINST]/ bookworm main
deb [trusted=yes arch=arm64] http://arm.example/debian bookworm main
deb [check-valid-until=no] http://snapshot.example/20250101 bookworm main
deb http://flat.example/repo ./
`;

describe('one-line sources', () => {
  const parsed = parseOneLineSources(debian12, 'amd64');

  test('are read with their options, without comments, sources, flat repositories and other machines', () => {
    expect(parsed.filter(({ uri }) => uri.startsWith('http'))).toEqual([
      {
        uri: 'http://mirror.example/debian',
        suite: 'bookworm',
        components: ['main', 'non-free-firmware'],
        signedBy: [],
        options: [],
      },
      {
        uri: 'https://mirror.example/debian-security',
        suite: 'bookworm-security',
        components: ['main'],
        signedBy: ['/usr/share/keyrings/debian-archive-keyring.gpg'],
        options: [],
      },
      {
        uri: 'http://snapshot.example/20250101',
        suite: 'bookworm',
        components: ['main'],
        signedBy: [],
        options: ['check-valid-until=no'],
      },
    ]);
  });

  test('keep what makes a source trusted', () => {
    expect(parseOneLineSources(debian12, 'arm64').map(({ options }) => options)).toContainEqual([
      'trusted=yes',
    ]);
  });

  test('are nothing in an empty file', () => {
    expect(parseOneLineSources('', 'amd64')).toEqual([]);
  });
});

const stanzas = `Types: deb deb-src
URIs: http://mirror.example/debian http://second.example/debian
Suites: trixie trixie-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

# A stanza that is switched off
Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie-security
Components: main
Architectures: arm64 amd64
Check-Valid-Until: no
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
URIs: http://src.example/debian
Suites: trixie
Components: main
`;

describe('deb822 sources', () => {
  const parsed = parseDeb822Sources(stanzas, 'amd64');

  test('are one source for each URI and suite', () => {
    expect(parsed.map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
      'http://mirror.example/debian trixie',
      'http://mirror.example/debian trixie-updates',
      'http://second.example/debian trixie',
      'http://second.example/debian trixie-updates',
      'mirror+file:///etc/apt/mirrors/debian.list trixie-security',
    ]);
  });

  test('have continued fields, keyrings and options', () => {
    expect(parsed[0]).toMatchObject({
      components: ['main', 'contrib'],
      signedBy: ['/usr/share/keyrings/debian-archive-keyring.pgp'],
      options: [],
    });
    expect(parsed[4]).toMatchObject({ signedBy: ['embedded'], options: ['check-valid-until=no'] });
  });

  test('for another machine are left out', () => {
    const other = parseDeb822Sources(stanzas, 'riscv64').map(({ uri }) => uri);
    expect(other).not.toContain('mirror+file:///etc/apt/mirrors/debian.list');
    expect(other).toContain('http://mirror.example/debian');
  });
});
