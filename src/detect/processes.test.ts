import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { makeSystem, processEntries } from '../../test/fixtures/system-tree.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createHost } from '../host/local.ts';
import { readProcesses } from './processes.ts';

function read(root: string, signal?: AbortSignal) {
  const scope = { root, home: '/home/ada', project: undefined };
  const host = createHost();
  return readProcesses({ host, scope, io: quietIo(signal), pace: 1, note: () => {} });
}

describe('the processes of this machine', () => {
  it('are without this one and those that it has started', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const pids = (await read('/')).map(({ pid }) => pid);
      expect(pids).toContain(1);
      expect(pids).not.toContain(process.pid);
      expect(pids).not.toContain(child.pid);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

it('a program is known by its file, also after an upgrade has replaced it', async () => {
  const root = makeSystem({
    ...processEntries(5, {
      executable: '/bin/tool (deleted)',
      name: 'other name',
      uid: 7,
      parent: 3,
    }),
  });
  expect(await read(root)).toEqual([
    {
      pid: 5,
      parent: 3,
      uid: 7,
      name: 'other name',
      executable: '/usr/bin/tool',
      hidden: false,
      place: { kind: 'other' },
      memory: 1024 ** 2,
    },
  ]);
});

it('in a container, what the groups say begins at its own', async () => {
  const own = '/docker/4f1e2d3c4b5a69788796a5b4c3d2e1f0';
  const root = makeSystem({
    ...processEntries(1, { cgroup: `${own}/init.scope` }),
    ...processEntries(2, { cgroup: `${own}/system.slice/nginx.service` }),
    ...processEntries(3, { cgroup: `${own}/docker/0123456789abcdef` }),
  });
  const kinds = (await read(root)).map(({ place }) => place.kind);
  expect(kinds).toEqual(['session', 'service', 'container']);
});

it('reading ends at the deadline', async () => {
  const root = makeSystem(processEntries(1));
  await expect(read(root, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
});
