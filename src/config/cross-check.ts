import type * as z from 'zod';
import type { Description } from './describe-issue.ts';
import type { configSchema } from './schema.ts';

type Written = Partial<Pick<z.output<typeof configSchema>, 'vm' | 'run' | 'shares' | 'paths'>>;

/** What no single value can tell: two entries that cannot both be. */
export function crossCheck(config: Written): Description[] {
  return [
    ...userProblems(config),
    ...authProblems(config),
    ...runPortProblems(config),
    ...placeProblems(config),
  ];
}

function userProblems(config: Written): Description[] {
  const { name, uid } = config.vm?.user ?? {};
  if (name === undefined || uid === undefined || (name === 'root') === (uid === 0)) return [];
  const message = name === 'root' ? 'must be 0 for root' : 'must not be 0: that is root';
  return [{ path: ['vm', 'user', 'uid'], key: false, message }];
}

function authProblems(config: Written): Description[] {
  const { method, password } = config.vm?.auth ?? {};
  const isWanted = method === 'password';
  if (isWanted === (password !== undefined)) return [];
  const key = isWanted ? 'method' : 'password';
  const message = isWanted ? 'needs vm.auth.password' : 'is for vm.auth.method: password alone';
  return [{ path: ['vm', 'auth', key], key: false, message }];
}

function runPortProblems(config: Written): Description[] {
  const seen = new Map<number, string>();
  return Object.entries(config.run ?? {}).flatMap(([name, { port }]) => {
    if (port === undefined) return [];
    const other = seen.get(port);
    seen.set(port, name);
    if (other === undefined) return [];
    const message = `is ${port}, which ${other} listens on already`;
    return [{ path: ['run', name, 'port'], key: false, message }];
  });
}

function placeProblems(config: Written): Description[] {
  const shares = (config.shares ?? []).map(({ guest }, index) => ({
    guest,
    path: ['shares', index, 'guest'],
  }));
  const paths = Object.entries(config.paths ?? {}).map(([host, guest]) => ({
    guest,
    path: ['paths', host],
  }));
  const seen = new Set<string>();
  return [...shares, ...paths].flatMap(({ guest, path }) => {
    if (guest === undefined || guest === 'same') return [];
    if (!seen.has(guest)) {
      seen.add(guest);
      return [];
    }
    return [{ path, key: false, message: 'is the place of another share already' }];
  });
}
