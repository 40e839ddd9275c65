import { expect, it } from 'vitest';
import { makeSystem } from '../../test/fixtures/system-tree.ts';
import { userReport } from '../../test/fixtures/user-bed.ts';
import { secretPlaces } from '../core/secret-places.ts';
import { localFiles } from '../host/files.ts';
import { isWithin } from '../lib/is-within.ts';

const home = '/home/ada';
const isSecret = (path: string) =>
  secretPlaces.some((place) => isWithin(`${home}/${place}`, path.slice(path.indexOf(home))));

it('every place of credentials is named, and no file or directory in one is looked at', async () => {
  const inside = secretPlaces.map((place) => [`${home}/${place}/deeper/key`, 'secret']);
  const root = makeSystem(Object.fromEntries(inside));
  const opened: string[] = [];
  const watched = (name: 'list' | 'readText' | 'readLink' | 'facts') => (path: string) => {
    const place = path.slice(root.length);
    // What there is in its place is asked for, and no more.
    const isPlace = name === 'facts' || name === 'readLink';
    if (isPlace ? /\/deeper/.test(place) : isSecret(place)) opened.push(`${name} ${place}`);
    return localFiles[name](path);
  };
  const names = ['list', 'readText', 'readLink', 'facts'] as const;
  const files = Object.fromEntries(names.map((name) => [name, watched(name)]));
  const { found, problems } = await userReport(root, ['paths'], { files });
  const paths = found.paths ?? [];
  for (const place of secretPlaces) {
    const near = paths.filter(({ path }) => isWithin(path, `${home}/${place}`) || isSecret(path));
    expect(near.length, place).toBeGreaterThan(0);
  }
  expect(paths.filter(({ sensitive, bytes }) => sensitive === null || bytes !== null)).toEqual([]);
  expect([opened, problems]).toEqual([[], []]);
});

it('what holds tokens by its name, or by a file in it, is not looked into', async () => {
  const root = makeSystem({
    [`${home}/.config/git/credentials`]: 'x',
    [`${home}/.config/rclone/rclone.conf`]: 'x',
    [`${home}/.config/some-cli/auth.json`]: 'x',
    [`${home}/.config/some-editor/theme.json`]: 'x',
    [`${home}/snap/chromium/common/x`]: 'x',
    [`${home}/.var/app/org.mozilla.Thunderbird/x`]: 'x',
    [`${home}/.psql_history`]: 'x',
  });
  const { found } = await userReport(root, ['paths']);
  const told = found.paths?.map(({ path, sensitive, bytes }) => [
    path.slice(home.length + 1),
    sensitive ?? bytes,
  ]);
  expect(told).toEqual([
    ['.config/git', 'it may hold tokens (credentials)'],
    ['.psql_history', 'what you typed, with passwords'],
    ['.config/rclone', 'it may hold tokens'],
    ['.config/some-cli', 'it may hold tokens (auth.json)'],
    ['.config/some-editor', 1],
    ['.var/app/org.mozilla.Thunderbird', 'your sessions and passwords'],
    ['snap/chromium', 'your sessions and passwords'],
  ]);
});
