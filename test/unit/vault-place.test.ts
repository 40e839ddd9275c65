import { describe, expect, it } from 'vitest';
import type { SecretDeps } from '../../src/core/secrets.ts';
import { createHost } from '../../src/host/local.ts';
import { requireNoGuest } from '../../src/secrets/vault-place.ts';

const names: Record<string, string[]> = {
  'vault.test': ['127.0.0.1'],
  localhost: ['::1', '127.0.0.1'],
  'vault.example.org': ['192.0.2.7'],
};
const deps: SecretDeps = {
  host: { ...createHost(), lookUp: async (name) => names[name] ?? [] },
  project: undefined,
  guestAt: async (port) => (port === 8200 || port === 443 ? 'shop' : undefined),
};

describe('an address of Vault where a guest answers', () => {
  it.each([
    'http://127.0.0.1:8200',
    'http://127.1:8200',
    'http://0x7f000001:8200/',
    'http://localhost:8200',
    'http://[::1]:8200',
    'http://[::ffff:127.0.0.1]:8200',
    'http://0.0.0.0:8200',
    'https://vault.test:8200/path',
    'https://localhost',
  ])('is refused: %s', async (address) => {
    await expect(requireNoGuest(address, deps)).rejects.toMatchObject({
      ...{ code: 'refused', message: expect.stringContaining('the VM shop') },
    });
  });

  it.each(['http://127.0.0.1:8201', 'https://vault.example.org:8200', 'https://gone.test:8200'])(
    'is none: %s',
    (address) => requireNoGuest(address, deps),
  );
});
