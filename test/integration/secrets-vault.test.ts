import { test } from 'vitest';
import { secretContract } from '../contracts/secret-contract.ts';
import { asText, openSecretWorld } from '../fixtures/secret-bed.ts';

// Against a real Vault, such as one of `vault server -dev`: docs/operations/secrets.md says how.
const { VAULT_ADDR: address, VAULT_TOKEN: token = '' } = process.env;

if (address === undefined) {
  test.skip('a real Vault keeps the contract (not here: VAULT_ADDR names none)', () => {});
} else {
  secretContract('vault', async () => {
    const world = openSecretWorld();
    world.env.VAULT_TOKEN = token;
    const written = new Set<string>();
    const call = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${address}/v1/secret/${path}`, {
        method,
        headers: { 'x-vault-token': token },
        ...(body && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    };
    return {
      deps: world.deps,
      options: { address },
      put: async (key, value) => {
        const text = asText(value);
        // A value of Vault's own storage is at most 512 KiB.
        if (text === undefined || text.length > 400_000) return false;
        await call('POST', `data/${key}`, { data: { value: text } });
        written.add(key);
        return true;
      },
      breakDown: async () => {
        world.env.VAULT_TOKEN = 'hvs.no-such-token';
        return 'refused';
      },
      close: async () => {
        for (const key of written) await call('DELETE', `metadata/${key}`);
        await world.close();
      },
    };
  });
}
