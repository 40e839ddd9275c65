// `npm run test:full -- NAME`: one piece of the tests at its full length, which is too long for every commit. It ends as
// `npm test` does, with `N passed, N failed`. Without a name, or with one that is not there, it says which there are.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** Each piece: the tier it is of, words that select files of it, and what makes it long. At most an hour. */
const pieces = {
  attacks: { tier: 'attacks', filters: [], env: { CLONEBOX_TEST_RACE_SECONDS: '60' } },
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(pieces, name));
if (names.length !== 1 || unknown.length > 0) {
  const what = unknown.length > 0 ? `no piece ${unknown.join(', ')}` : 'name one piece';
  console.error(`${what}; there are: ${Object.keys(pieces).join(', ')}`);
  process.exit(2);
}

const { tier, filters, env } = pieces[names[0]];
const runner = path.join(import.meta.dirname, 'run.mjs');
const { status } = spawnSync(process.execPath, [runner, tier, ...filters], {
  stdio: 'inherit',
  env: { ...process.env, ...env },
});
process.exitCode = status ?? 1;
