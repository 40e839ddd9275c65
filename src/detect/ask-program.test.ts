import { expect, it } from 'vitest';
import { makeSystem } from '../../test/fixtures/system-tree.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createHost } from '../host/local.ts';
import { askProgram } from './ask-program.ts';

/** What a program that does this prints, and what was noted. */
async function ask(program: string, signal?: AbortSignal) {
  const root = makeSystem({ 'bin/tool': { program } });
  const notes: string[] = [];
  const input = {
    host: createHost({ PATH: `${root}/bin` }),
    scope: { root, home: '/home/ada', project: undefined },
    io: quietIo(signal),
    pace: 1,
    note: (reason: string) => void notes.push(reason),
  };
  return { said: await askProgram(input, ['tool', 'a b']), notes };
}

it('a program answers in the language of scripts', async () => {
  expect(await ask('echo "$1 $LC_ALL$LANGUAGE"')).toEqual({ said: 'a b C.UTF-8\n', notes: [] });
});

it('a program is not run where the user is, which may be a project', async () => {
  expect(await ask('pwd')).toEqual({ said: '/\n', notes: [] });
});

it('a program that is not installed has no answer, which is no problem', async () => {
  const input = {
    host: createHost({ PATH: '/nowhere' }),
    scope: { root: '/', home: '/', project: undefined },
    io: quietIo(),
    pace: 1,
    note: () => expect.unreachable(),
  };
  expect(await askProgram(input, ['clonebox-no-such-program'])).toBeUndefined();
});

it('a failure is a problem by what the program says of it', async () => {
  expect(await ask('echo >&2; echo "error: no daemon" >&2; exit 1')).toEqual({
    said: undefined,
    notes: ['tool failed: no daemon'],
  });
  expect((await ask('exit 7')).notes).toEqual(['tool failed: status 7']);
});

it('one that hangs and does not hear that it is to end is not waited for', async () => {
  const started = performance.now();
  expect(await ask('trap "" TERM; sleep 4')).toEqual({
    said: undefined,
    notes: ['tool: not finished after 1000 ms: ended'],
  });
  expect(performance.now() - started).toBeLessThan(2500);
});

it('after the deadline it is over', async () => {
  await expect(ask('sleep 60', AbortSignal.timeout(50))).rejects.toThrow();
});
