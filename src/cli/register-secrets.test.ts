import { afterEach, describe, expect, it } from 'vitest';
import { forgetSecret, redact, redacted } from '../lib/redact.ts';
import { forgetPaths, registerSecrets } from './register-secrets.ts';

/** Words that a test may register; forgotten after it. */
const values = {
  token: 'abc/def+ghi==',
  password: 'p@ss phrase',
  path: '/run/keys/api',
  pathToken: '/abcDEF0123456789',
} as const;
afterEach(() => {
  for (const value of [...Object.values(values), 'sesame-open', 'word%20two', 'word two'])
    forgetSecret(value);
});
const isHidden = (text: string) => redact(`<${text}>`) === `<${redacted}>`;

describe('what this process was given as a secret', () => {
  it.each([
    'MY_API_TOKEN',
    'aws_secret_access_key',
    'DB_PASSWORD',
    'APIKEY',
    'npm_config__authToken',
    'SSH_PASSPHRASE',
    'GOOGLE_CREDENTIAL',
    'PRIVATE_KEY',
  ])('is the value of %s', (name) => {
    registerSecrets({ [name]: values.token }, []);
    expect(isHidden(values.token)).toBe(true);
  });

  it.each([
    ['HOME', values.token],
    ['EDITOR', values.token],
    ['MAX_TOKENS', '12345678'],
    ['USE_TOKEN', 'true'],
    ['TOKEN', 'short'],
    ['TOKEN', undefined],
  ])('is not that of %s=%s', (name, value) => {
    registerSecrets({ [name]: value }, []);
    expect(isHidden(value ?? values.token)).toBe(false);
  });

  it.each([
    [{ https_proxy: 'http://joe:sesame-open@proxy:3128' }, 'sesame-open'],
    [{ HTTP_PROXY: 'joe:sesame-open@proxy:3128' }, 'sesame-open'],
    [{ DATABASE_URL: 'postgres://joe:word%20two@db/x' }, 'word two'],
    [{ DATABASE_URL: 'postgres://joe:word%20two@db/x' }, 'word%20two'],
  ])('is the password in %j', (env, password) => {
    registerSecrets(env, []);
    expect(isHidden(password)).toBe(true);
  });

  it.each([
    ['--env', `DB_PASSWORD=${values.password}`],
    ['--env=DB_PASSWORD=sesame-open'],
    ['--', 'env', 'TOKEN=sesame-open', 'ls'],
    ['--image', 'https://joe:sesame-open@host/x.qcow2'],
  ])('is what the command line sets: %s %s', (...argv) => {
    registerSecrets({}, argv);
    expect(isHidden('sesame-open') || isHidden(values.password)).toBe(true);
  });

  it('is no path of a file that holds one, as soon as there are files to look at', async () => {
    const env = {
      API_TOKEN_FILE: values.path,
      API_TOKEN: values.pathToken,
      OTHER_TOKEN: undefined,
    };
    registerSecrets(env, []);
    expect([values.path, values.pathToken].map(isHidden)).toEqual([true, true]);
    const facts = async (path: string) => (path === values.path ? ({} as never) : undefined);
    await forgetPaths(env, { facts });
    expect([values.path, values.pathToken].map(isHidden)).toEqual([false, true]);
  });
});
