import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import type { Workstation } from '../core/setup.ts';
import { guestLocale, guestVariables, readWorkstation, workstationFiles } from './workstation.ts';

/** A workstation with these files (links by `-> target`) and variables, and nothing else. */
function hostWith(files: Record<string, string>, env: Record<string, string> = {}): Host {
  return {
    env,
    files: {
      readText: async (path: string) => files[path],
      realPath: async (path: string) => /^-> (.*)$/.exec(files[path] ?? '')?.[1],
      list: async (path: string) =>
        Object.keys(files).flatMap((file) =>
          file.startsWith(`${path}/`) ? [file.slice(path.length + 1)] : [],
        ),
    },
  } as unknown as Host;
}

const read = (files: Record<string, string>, env?: Record<string, string>) =>
  readWorkstation(hostWith(files, env));

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

const plain: Workstation = {
  ...{ timeZone: undefined, locale: undefined, certificates: [], proxy: {} },
};

function contents(workstation: Partial<Workstation>, environment: Record<string, string> = {}) {
  const files = workstationFiles({ ...plain, ...workstation }, environment);
  return new Map(files.map(({ path, content, link }) => [path, content ?? `-> ${link}`]));
}

describe('the time zone', () => {
  test.each([
    [{ '/etc/localtime': '-> /usr/share/zoneinfo/Europe/Berlin' }, 'Europe/Berlin'],
    [{ '/etc/localtime': '-> /usr/share/zoneinfo/posix/Etc/GMT+3' }, 'Etc/GMT+3'],
    [
      { '/etc/localtime': '-> /usr/share/zoneinfo/America/Argentina/La_Rioja' },
      'America/Argentina/La_Rioja',
    ],
    // A copy instead of a link, as some installers make it.
    [{ '/etc/localtime': '-> /etc/localtime', '/etc/timezone': 'Asia/Tokyo\n' }, 'Asia/Tokyo'],
    [{ '/etc/timezone': 'UTC\n' }, 'UTC'],
    [{}, undefined],
    [{ '/etc/timezone': '../../etc/shadow' }, undefined],
    [{ '/etc/timezone': 'Europe/../../../root' }, undefined],
    [{ '/etc/timezone': '/etc/passwd' }, undefined],
    [{ '/etc/timezone': 'a\nb' }, undefined],
    [{ '/etc/timezone': '' }, undefined],
  ])('of %j is %j', async (files, zone) => {
    expect((await read(files)).timeZone).toBe(zone);
  });

  test('is a link in the guest, and nothing where the host has none', () => {
    const files = contents({ timeZone: 'Europe/Berlin' });
    expect(files.get('/etc/localtime')).toBe('-> /usr/share/zoneinfo/Europe/Berlin');
    expect(files.get('/etc/timezone')).toBe('Europe/Berlin\n');
    expect(contents({}).has('/etc/localtime')).toBe(false);
  });
});

describe('the locale', () => {
  test('is the one the user’s programs go by', async () => {
    expect((await read({}, { LANG: 'de_DE.UTF-8' })).locale).toBe('de_DE.UTF-8');
    expect((await read({}, { LANG: 'de_DE.UTF-8', LC_ALL: 'C' })).locale).toBe('C');
    expect((await read({}, { LANG: '' })).locale).toBeUndefined();
  });

  test.each([
    ['de_DE.UTF-8', 'de_DE.UTF-8', true],
    ['pt_BR.utf8', 'pt_BR.UTF-8', true],
    ['en_US.UTF-8', 'en_US.UTF-8', false],
    ['C', 'C.UTF-8', false],
    ['C.utf8', 'C.UTF-8', false],
    ['POSIX', 'C.UTF-8', false],
    [undefined, 'C.UTF-8', false],
    // What is not UTF-8 would have the guest write what the host cannot read.
    ['de_DE', 'C.UTF-8', false],
    ['de_DE.ISO-8859-1', 'C.UTF-8', false],
    ['de_DE@euro', 'C.UTF-8', false],
    ['$(reboot).UTF-8', 'C.UTF-8', false],
    ['de_DE.UTF-8; reboot', 'C.UTF-8', false],
    ['../../de_DE.UTF-8', 'C.UTF-8', false],
  ])('%j is %j in the guest', (locale, name, generate) => {
    expect(guestLocale(locale)).toEqual({ locale: name, generate });
    expect(contents({ locale }).get('/etc/default/locale')).toBe(`LANG=${name}\n`);
  });

  test('of any text is one that a shell takes for one word', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(guestLocale(text).locale).toMatch(/^[A-Za-z_]+\.UTF-8$/);
      }),
    );
  });
});

describe('certificates', () => {
  test('are those an administrator added, wherever the distribution puts them', async () => {
    const { certificates } = await read({
      '/usr/local/share/ca-certificates/Our CA (2024).crt': pem,
      '/etc/pki/ca-trust/source/anchors/other.pem': pem,
      '/usr/local/share/ca-certificates/README': pem,
      '/usr/local/share/ca-certificates/key.pem': '-----BEGIN PRIVATE KEY-----\nMIIB\n',
      '/usr/local/share/ca-certificates/huge.crt': pem + 'x'.repeat(1024 * 1024),
    });
    expect(certificates).toEqual([
      { name: 'Our_CA__2024_', pem },
      { name: 'other', pem },
    ]);
  });

  test('go where the guest’s own tools look for them', () => {
    expect(
      contents({ certificates: [{ name: 'ours', pem }] }).get(
        '/usr/local/share/ca-certificates/clonebox-ours.crt',
      ),
    ).toBe(pem);
  });
});

describe('a proxy', () => {
  test.each([
    'http://127.0.0.1:3128',
    'http://127.8.9.1:3128',
    'http://localhost:3128/',
    'localhost:3128',
    'http://[::1]:3128',
    'http://me:secret@localhost:3128',
    'socks5://127.0.0.1:1080',
    'http://LOCALHOST:3128',
    'HTTP://localhost:3128',
    'http://127.1:3128',
    'http://0.0.0.0:3128',
  ])('at %j cannot be reached from a guest and is left out', async (value) => {
    expect((await read({}, { https_proxy: value })).proxy).toEqual({});
  });

  test.each([
    'http://proxy.example:3128',
    'proxy.example:3128',
    'http://me:p%40ss@proxy.example:3128',
    'http://10.0.0.1:3128',
    'http://localhost.example:3128',
    'http://[2001:db8::1]:3128',
    'http://127.example.org:3128',
  ])('at %j is carried in', async (value) => {
    expect((await read({}, { https_proxy: value })).proxy).toEqual({ https_proxy: value });
  });

  test('is found in either case, the small one first', async () => {
    const env = {
      HTTP_PROXY: 'http://big:1',
      https_proxy: 'http://small:1',
      HTTPS_PROXY: 'http://big:2',
    };
    expect((await read({}, env)).proxy).toEqual({
      http_proxy: 'http://big:1',
      https_proxy: 'http://small:1',
    });
  });

  test('comes with what goes past it, which may name this very host', async () => {
    const env = { http_proxy: 'http://proxy:1', no_proxy: 'localhost,127.0.0.1,.example' };
    expect((await read({}, env)).proxy).toEqual(env);
  });

  test('is told to logins in both cases, and to apt', () => {
    const files = contents({ proxy: { http_proxy: 'http://p:1', no_proxy: 'a,b' } });
    expect(files.get('/etc/environment')).toBe(
      'LANG="C.UTF-8"\nhttp_proxy="http://p:1"\nHTTP_PROXY="http://p:1"\nno_proxy="a,b"\nNO_PROXY="a,b"\n',
    );
    expect(files.get('/etc/apt/apt.conf.d/90clonebox-proxy')).toBe(
      'Acquire::http::Proxy "http://p:1";\n',
    );
    expect(contents({}).has('/etc/apt/apt.conf.d/90clonebox-proxy')).toBe(false);
  });
});

describe('variables', () => {
  test('of the project go over those of the workstation', () => {
    const workstation = { ...plain, locale: 'de_DE.UTF-8', proxy: { http_proxy: 'http://p:1' } };
    expect(guestVariables(workstation, { LANG: 'C', MORE: '1' })).toEqual({
      ...{ LANG: 'C', http_proxy: 'http://p:1', HTTP_PROXY: 'http://p:1', MORE: '1' },
    });
  });

  test('that pam_env cannot say are left to login shells', () => {
    const environment = { A: 'say "hi" $x', B: 'new\nline', C: '#fff' };
    const files = contents({}, environment);
    expect(files.get('/etc/environment')).toBe('LANG="C.UTF-8"\nA="say "hi" $x"\n');
    expect(files.get('/etc/profile.d/clonebox.sh')).toBe(
      `export LANG=C.UTF-8\nexport A='say "hi" $x'\nexport B='new\nline'\nexport C='#fff'\n`,
    );
  });
});
