import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allowedBy,
  canonicalHost,
  formatAllowedHost,
  formatTarget,
  parseAllowedHost,
  parseTarget,
} from './allowed-host.ts';

describe('an entry of network.allow', () => {
  it.each([
    ['example.org', 'example.org'],
    ['Example.ORG.', 'example.org'],
    ['*.example.org', '*.example.org'],
    ['example.org:8443', 'example.org:8443'],
    ['*.example.org:22', '*.example.org:22'],
    ['müller.example', 'xn--mller-kva.example'],
    ['192.0.2.7', '192.0.2.7'],
    ['[2001:DB8::1]:8080', '[2001:db8::1]:8080'],
    ['_dmarc.example.org', '_dmarc.example.org'],
  ])('%s is %s', (written, canonical) => {
    expect(formatAllowedHost(parseAllowedHost(written))).toBe(canonical);
    expect(formatAllowedHost(parseAllowedHost(canonical))).toBe(canonical);
  });

  it.each([
    ['', 'is not a host'],
    ['*', 'egress: full'],
    ['*.', 'is not a host'],
    ['a.*.org', 'is not a host'],
    ['https://example.org', 'is not a host'],
    ['example.org/path', 'is not a host'],
    ['me@example.org', 'is not a host'],
    ['example.org:0', 'is not a host'],
    ['example.org:65536', 'is not a host'],
    ['example.org:', 'is not a host'],
    ['exa mple.org', 'is not a host'],
    ['exa%6dple.org', 'is not a host'],
    ['-a.example', 'is not a host'],
    ['a..example', 'is not a host'],
    ['*.192.0.2.7', 'no subdomains'],
    ['127.1', 'write the address as 127.0.0.1'],
    ['0x7f000001', 'write the address as 127.0.0.1'],
    ['2130706433', 'write the address as 127.0.0.1'],
    ['localhost', 'host_ports'],
    ['app.localhost:80', 'host_ports'],
    ['2001:db8::1', 'is not a host'],
  ])('%j is refused: %s', (written, why) => {
    expect(() => parseAllowedHost(written)).toThrow(RangeError);
    expect(() => parseAllowedHost(written)).toThrow(why);
  });
});

describe('a target', () => {
  it.each([
    ['EXAMPLE.org.:443', 'example.org:443'],
    ['0x7f.1:80', '127.0.0.1:80'],
    ['2130706433:80', '127.0.0.1:80'],
    ['[::FFFF:127.0.0.1]:80', '[::ffff:7f00:1]:80'],
  ])('%s is %s', (written, canonical) => {
    const target = parseTarget(written);
    expect(target && formatTarget(target)).toBe(canonical);
  });

  it.each([
    '',
    'example.org',
    'a:b:80',
    'example.org:0',
    'a@b:80',
    'a/b:80',
    'a b:80',
    ':80',
    '[::1]',
  ])('%j is none', (written) => expect(parseTarget(written)).toBeUndefined());
});

describe('a list', () => {
  const list = ['example.org', '*.wild.example', 'ssh.example:22', '192.0.2.7:8080'].map(
    parseAllowedHost,
  );
  const by = (text: string) => {
    const target = parseTarget(text);
    if (target === undefined) throw new Error(text);
    return allowedBy(list, target);
  };

  it.each([
    ['example.org:443', 'itself'],
    ['example.org:80', 'itself'],
    ['example.org:22', undefined],
    ['a.example.org:443', undefined],
    ['notexample.org:443', undefined],
    ['example.org.evil.test:443', undefined],
    ['a.wild.example:443', 'wildcard'],
    ['a.b.wild.example:80', 'wildcard'],
    ['wild.example:443', undefined],
    ['evilwild.example:443', undefined],
    ['ssh.example:22', 'itself'],
    ['ssh.example:443', undefined],
    ['192.0.2.7:8080', 'itself'],
    ['192.0.2.7:80', undefined],
    ['3221225991:8080', 'itself'],
  ])('lets %s through by %s', (target, how) => expect(by(target)).toBe(how));

  it('never lets a host through that does not end in one of its names', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const host = canonicalHost(text);
        if (host === undefined || allowedBy(list, { host, port: 443 }) === undefined) return;
        expect(host).toMatch(/^example\.org$|\.wild\.example$/);
      }),
    );
  });
});
