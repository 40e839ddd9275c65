import { spawnSync } from 'node:child_process';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createSecret } from '../core/secret.ts';
import { hashPassword } from './password-hash.ts';

const openssl = (args: string[], input: string) => {
  const result = spawnSync('openssl', ['passwd', '-6', ...args], { input, encoding: 'utf8' });
  return result.error === undefined ? result.stdout.trim() : undefined;
};
const isThere = openssl(['-salt', 'x', '-stdin'], 'x\n') !== undefined;

describe('hashPassword', () => {
  it('makes a sha512-crypt hash with a new salt each time', async () => {
    const hashes = await Promise.all(
      ['same', 'same'].map((one) => hashPassword(createSecret(one))),
    );
    const [first = '', second = ''] = hashes.map((hash) => hash.reveal());
    expect(first).toMatch(/^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/);
    expect(first).not.toBe(second);
  });

  it('keeps the hash to itself', async () => {
    const hash = await hashPassword(createSecret('hush-hush'));
    expect(`${hash} ${JSON.stringify(hash)} ${inspect(hash)}`).not.toContain('$6$');
  });

  it.skipIf(!isThere).each(['secret', 'with: colon', 'q\'uo"te $x', 'é€𝄞', 'a'.repeat(200)])(
    `hashes %j as openssl does${isThere ? '' : ' (not here: there is no openssl)'}`,
    async (password) => {
      const hash = (await hashPassword(createSecret(password))).reveal();
      const salt = hash.split('$')[2] ?? '';
      expect(openssl(['-salt', salt, '-stdin'], `${password}\n`)).toBe(hash);
    },
  );
});
