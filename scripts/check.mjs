// `npm run check`: everything that needs no virtual machine, two steps at a time. A step prints
// only when it fails. `npm run check -- knip biome` runs just these.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const atOnce = 2;

// The slow ones first, so that the two lanes end at about the same time.
const steps = {
  types: 'tsc --noEmit',
  biome: 'biome check --error-on-warnings',
  knip: 'knip',
  boundaries: 'depcruise --config .dependency-cruiser.cjs --output-type err-long src test',
  unit: 'vitest run --project unit --passWithNoTests',
  package: 'node scripts/build.mjs && publint --strict',
};

function run(command) {
  const bin = path.join(root, 'node_modules/.bin');
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', command], { cwd: root, env });
    let output = '';
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ ok: false, output: String(error) }));
    child.on('close', (status) => resolve({ ok: status === 0, output }));
  });
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !Object.hasOwn(steps, name));
if (unknown.length > 0) {
  console.error(`no step ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}`);
  process.exit(2);
}

const queue = Object.entries(steps).filter(([name]) => !chosen.length || chosen.includes(name));
const failed = [];

async function lane() {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [name, command] = next;
    const since = performance.now();
    const { ok, output } = await run(command);
    const time = `${((performance.now() - since) / 1000).toFixed(1)} s`;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${time})`);
    if (!ok) console.log(`${output.trimEnd()}\n`);
    if (!ok) failed.push(name);
  }
}

await Promise.all(Array.from({ length: atOnce }, lane));
if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
