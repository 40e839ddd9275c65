import { expect, it } from 'vitest';
import { basicEnvironment } from './basic-environment.ts';

it('a program that lives on gets what it needs, and nothing that could be a secret', () => {
  const env = { PATH: '/bin', HOME: '/root', LC_ALL: 'C', TZ: 'UTC' };
  const others = {
    API_TOKEN: 'x',
    DATABASE_URL: 'postgres://a:b@c',
    SSH_AUTH_SOCK: '/s',
    LC_x: '1',
  };
  expect(basicEnvironment({ ...env, ...others })).toEqual(env);
});
