import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Files below these places that hold a text, disks and memory images included. */
export function filesWith(text: string, places: readonly string[]): string[] {
  const there = places.filter((place) => existsSync(place));
  const { stdout, status, stderr } = spawnSync(
    'grep',
    ['-rlaF', '--devices=skip', '-e', text, '--', ...there],
    { encoding: 'utf8', maxBuffer: 16 * 1024 ** 2 },
  );
  // 2: a file that went away meanwhile; what was found is told all the same.
  if (status === null) throw new Error(`grep: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}
