// `npm test [-- TIER... FILTER...]`: builds, runs the tiers one after the other, and says in its
// last line how many tests passed and failed. A word that is no tier selects test files by name.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folders = {
  unit: ['src', 'test/unit'],
  integration: ['test/integration'],
  e2e: ['test/e2e'],
  attacks: ['test/attacks'],
};

const words = process.argv.slice(2);
const chosen = words.filter((word) => Object.hasOwn(folders, word));
const filters = words.filter((word) => !Object.hasOwn(folders, word));
const tiers = Object.keys(folders).filter((tier) => chosen.length === 0 || chosen.includes(tier));

const scratch = mkdtempSync(path.join(tmpdir(), 'cb-test-'));
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Minutes after which a tier is ended and counts as failed: a test that spins would never end by itself. */
const longest = { unit: 10, integration: 40, e2e: 70, attacks: 60 };

function run(argv, minutes = 5) {
  const limit = { timeout: minutes * 60_000, killSignal: 'SIGKILL' };
  return spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit', ...limit }).status ?? 1;
}

function hasTests(tier) {
  return folders[tier]
    .map((folder) => path.join(root, folder))
    .filter((folder) => existsSync(folder))
    .some((folder) => readdirSync(folder, { recursive: true }).some((f) => f.endsWith('.test.ts')));
}

/** Says at the end which tests failed: the output above is long, and often only its end is kept. */
function failures(report) {
  const named = (file) => {
    const tests = file.assertionResults.filter((test) => test.status === 'failed');
    const name = path.relative(root, file.name);
    if (tests.length === 0 && file.status === 'failed') return [`${name}: ${file.message}`];
    return tests.map((test) => `${name}: ${test.fullName}\n${test.failureMessages.join('\n')}`);
  };
  return report.testResults.flatMap(named);
}

/** Counts a file that broke before its tests could run as one failure: its tests are not known. */
function count(report) {
  const broken = report.testResults.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function runTier(tier) {
  const reportFile = path.join(scratch, `${tier}.json`);
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const options = ['--project', tier, ...reporters];
  if (tier !== 'unit') options.push('--no-file-parallelism');
  if (filters.length > 0) options.push('--passWithNoTests');
  const status = run([vitest, 'run', ...options, ...filters], longest[tier]);

  if (!existsSync(reportFile)) return { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  const report = JSON.parse(readFileSync(reportFile, 'utf8'));
  const result = count(report);
  failed.push(...failures(report));
  if (status !== 0 && result.failed === 0) {
    console.error(`${tier}: the tests passed, yet vitest ended with ${status} (see above)`);
    result.failed = 1;
  }
  if (result.passed + result.failed === 0 && filters.length === 0) {
    console.error(`${tier}: there are test files, yet not one test ran`);
    result.failed = 1;
  }
  return result;
}

const failed = [];
const total = { passed: 0, failed: 0, skipped: 0 };
const times = [];

function add(name, result, since) {
  for (const key of Object.keys(total)) total[key] += result[key];
  times.push(`${name} ${seconds(since)}`);
}

try {
  const built = performance.now();
  const broken = run([path.join(root, 'scripts/build.mjs')]) === 0 ? 0 : 1;
  add('build', { passed: 0, failed: broken, skipped: 0 }, built);

  for (const tier of broken ? [] : tiers) {
    if (!hasTests(tier)) {
      times.push(`${tier} no files`);
      continue;
    }
    console.log(`\n== ${tier} ==`);
    const since = performance.now();
    add(tier, runTier(tier), since);
  }
  if (filters.length > 0 && total.passed + total.failed === 0) {
    console.error(`no test ran: is there a test file named like ${filters.join(' or ')}?`);
    total.failed = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

for (const one of failed) console.log(`\nFAILED ${one.slice(0, 2000)}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${times.join(' · ')}`);
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
