import { describe, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { ownRelease } from './auto.ts';
import { catalogue, urlOf } from './catalogue.ts';

describe('the catalogue', () => {
  const host = (env: Record<string, string>) => ({ env }) as unknown as Host;
  const entries = Object.values(catalogue);

  test('is fetched over https, and holds no digest', () => {
    for (const entry of entries) {
      expect(urlOf(host({}), entry, entry.file)).toMatch(
        /^https:\/\/[a-z.-]+\/.+ARCH\.(img|qcow2)$/,
      );
      expect(JSON.stringify(entry)).not.toMatch(/[0-9a-f]{64}/);
    }
  });

  test('can be fetched from a mirror that is laid out by host', () => {
    const mirror = host({ CLONEBOX_IMAGE_MIRROR: 'https://mirror.example/images/' });
    expect(urlOf(mirror, catalogue['debian:12'] as never, 'SHA512SUMS')).toBe(
      'https://mirror.example/images/cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS',
    );
  });

  test('is not fetched from an unencrypted mirror', () => {
    const mirror = host({ CLONEBOX_IMAGE_MIRROR: 'http://mirror.example' });
    expect(() => urlOf(mirror, catalogue['debian:12'] as never, 'x')).toThrow(
      expect.objectContaining({ code: 'refused' }),
    );
  });

  test('knows the release of this machine from os-release', () => {
    expect(ownRelease('NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n')).toBe(
      'ubuntu:24.04',
    );
    expect(ownRelease('ID=debian\nVERSION_ID="12"\n')).toBe('debian:12');
    expect(ownRelease('ID=fedora\nVERSION_ID=40\n')).toBeUndefined();
    expect(ownRelease('')).toBeUndefined();
  });
});
