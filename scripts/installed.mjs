// Exits 0 when node_modules/ holds what package-lock.json names and its programs run here, else 1.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const load = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages;

/** npm keeps its own account of what it put into node_modules; other platforms' parts are absent. */
function isComplete() {
  const installed = load('node_modules/.package-lock.json');
  return Object.entries(load('package-lock.json')).every(
    ([folder, { version, optional }]) =>
      folder === '' || optional || installed[folder]?.version === version,
  );
}

try {
  const works = () => execFileSync(path.join(root, 'node_modules/.bin/esbuild'), ['--version']);
  process.exitCode = isComplete() && works() ? 0 : 1;
} catch {
  process.exitCode = 1;
}
