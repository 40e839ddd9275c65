import { describe, expect, it } from 'vitest';
import type { SecretProvider } from '../core/secrets.ts';
import { secretProviders } from '../secrets/registry.ts';
import { optionReach } from './provider-reach.ts';

const byName = (name: string) =>
  secretProviders.find((provider) => provider.name === name) as SecretProvider;
const reach = (name: string, written: unknown) => {
  const provider = byName(name);
  return optionReach(provider, provider.schema?.parse(written));
};
const ofProjects = secretProviders.filter(({ schema, ownOnly }) => schema && !ownOnly);

describe('what a project says to the providers of secrets', () => {
  it.each<[string, unknown, unknown]>([
    [
      'vault',
      {
        ...{ address: 'https://vault.example.org', namespace: 'team', mount: 'kv', kv: 1 },
        ...{ token_file: '~/token', ca_file: 'ca.pem', timeout: '3s' },
        approle: { role_id: 'r', secret_id_env: 'SECRET_ID', mount: 'roles' },
      },
      [
        { what: 'Vault server that gets your token', value: 'https://vault.example.org' },
        { what: 'namespace of Vault', value: 'team' },
        { what: 'mount of Vault', value: 'kv' },
        { what: 'version of the mount of Vault', value: '1' },
        { what: 'file with the token for Vault', value: '~/token' },
        { what: 'role in Vault', value: 'r' },
        { what: 'host variable', value: 'SECRET_ID' },
        { what: 'mount of the role in Vault', value: 'roles' },
        { what: 'certificate authority of Vault', value: 'ca.pem' },
        { what: 'secrets.vault.timeout', value: '3000' },
      ],
    ],
    [
      'sops',
      { file: 'prod.yaml', format: 'yaml' },
      [
        { what: 'secrets file', value: 'prod.yaml' },
        { what: 'secrets.sops.format', value: 'yaml' },
      ],
    ],
    [
      'age',
      { file: '/srv/x.age', identity: '~/key' },
      [
        { what: 'secrets file', value: '/srv/x.age' },
        { what: 'age identity', value: '~/key' },
      ],
    ],
  ])('tells every option of %s that is not as it would be', (name, written, told) => {
    expect(reach(name, written)).toEqual(told);
  });

  it.each(ofProjects)('tells nothing of $name without a word of the project', ({ name }) => {
    expect(reach(name, {})).toEqual([]);
  });

  it.each(ofProjects)('knows what the options are called: $name', ({ name, optionNames = {} }) => {
    const shape = JSON.stringify(Object.keys(optionNames));
    for (const path of Object.keys(optionNames)) {
      const value = path.includes('address') ? 'https://x' : path === 'kv' ? 1 : 'other';
      const [first = '', second] = path.split('.');
      const written =
        second === undefined ? { [first]: value } : { [first]: { role_id: 'r', [second]: value } };
      expect(reach(name, written), shape).toContainEqual({
        what: optionNames[path],
        value: String(value),
      });
    }
  });
});
