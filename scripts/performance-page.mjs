// docs/performance.md from what `clonebox bench … --json` has printed: one document per file.
// `node scripts/performance-page.mjs FILE… > docs/performance.md`
import { readFileSync } from 'node:fs';

/** Benches by the beginning of their scenarios: how the page calls them, in its order. */
const chapters = [
  { title: 'A new VM', starts: ['create --warm', 'create --cold'] },
  { title: 'The first use of a template', starts: ['create --bake'] },
  { title: 'Many clones at once', starts: ['density'] },
  { title: 'The command line', starts: ['cli'] },
  { title: 'This workstation', starts: ['detect'] },
  { title: 'The audit log', starts: ['search', 'verify', 'memory', 'append'] },
];

const digits = { s: 2, ms: 0, MB: 0, MiB: 0 };

function amount(value, unit) {
  if (typeof value !== 'number') throw new Error(`a figure is missing: ${value}`);
  return value.toFixed(digits[unit]);
}

/** `1.23 (1.20 to 1.30)`, or one figure alone. */
function figures({ runs, min, median, max }, unit) {
  const middle = `${amount(median, unit)} ${unit}`;
  return runs === 1 ? middle : `${middle} (${amount(min, unit)} to ${amount(max, unit)})`;
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function row({ scenario, unit, measured, reference, ratio, target }) {
  const against = reference === null ? '-' : `${figures(reference, unit)}, ${reference.what}`;
  const cells = [
    `\`${scenario}\``,
    measured.what,
    `**${figures(measured, unit)}**`,
    String(measured.runs),
    against,
    ratio === null ? '-' : ratio.toFixed(2),
    target === 'none' ? '-' : target,
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** The one table that answers the first question: the same VM, warm and cold, side by side. */
function sideBySide(results) {
  const of = (scenario) => results.find((one) => one.scenario === scenario);
  const lines = ['t_agent', 't_command', 't_ports'].flatMap((time) => {
    const [warm, cold] = [of(`create --warm: ${time}`), of(`create --cold: ${time}`)];
    if (warm === undefined || cold === undefined) return [];
    const [one, other] = [warm, cold].map(({ measured, unit }) => figures(measured, unit));
    const times = `${(cold.measured.median / warm.measured.median).toFixed(1)} times`;
    return `| ${warm.measured.what.replace('a new VM, ', '')} | ${one} | ${other} | ${times} |`;
  });
  if (lines.length === 0) return [];
  return [
    ...['## From a template, and without', ''],
    '| From the start of the command | from a template that is ready | without a template | faster by |',
    ...['|---|---|---|---|', ...lines, ''],
  ];
}

/** Rows of a phase are no figures of their own. */
const isPhase = ({ scenario }) => scenario.endsWith(': longest phases');

function chapter({ title, starts }, results) {
  const mine = results.filter(
    (one) => !isPhase(one) && starts.some((start) => new RegExp(`^${start}\\b`).test(one.scenario)),
  );
  if (mine.length === 0) return [];
  return [
    ...[`## ${title}`, ''],
    '| Bench | What | Median (least to most) | Runs | Against | Ratio | Target |',
    ...['|---|---|---|---|---|---|---|', ...mine.map(row), ''],
  ];
}

function phases(results) {
  const lines = results.filter(isPhase).map(({ scenario, unit, measured }) => {
    const cells = [`\`${scenario.replace(/:.*/, '')}\``, measured.what, figures(measured, unit)];
    return `| ${cells.map(cell).join(' | ')} |`;
  });
  if (lines.length === 0) return [];
  return [
    ...['## Where the time goes', '', 'The phases that took longest, as `clone` tells them.', ''],
    ...['| Bench | Phase | Median (least to most) |', '|---|---|---|', ...lines, ''],
  ];
}

function hostLines(reports) {
  const hosts = new Map();
  for (const report of reports) {
    const { host } = report;
    const memory = `${(host.memory / 1024 ** 3).toFixed(0)} GiB`;
    const what = `${host.cpus} x ${host.processor}, ${memory}, Linux ${host.kernel}, QEMU ${host.qemu} (${host.accel.toUpperCase()}), Node ${host.node}`;
    hosts.set(what, [...(hosts.get(what) ?? []), report]);
  }
  return [...hosts].map(([what, some]) => {
    const days = [...new Set(some.map(({ date }) => date.slice(0, 10)))].sort();
    const loads = some.map(({ host }) => host.load.toFixed(1)).sort((a, b) => a - b);
    const load = [...new Set([loads[0], loads.at(-1)])].join(' to ');
    return `- ${what}; measured on ${days.join(', ')}; load before each bench began: ${load}`;
  });
}

function page(reports) {
  const results = reports.flatMap((report) => report.results);
  return [
    '# Performance',
    '',
    'Generated from the output of `clonebox bench` by `scripts/performance-page.mjs`; no figure here was written by',
    'hand. A ratio is the median of the ratios of pairs that were measured turn by turn: what to compare, since absolute',
    'times on a busy machine are not stable. Targets are aims, and a missed one stays in the table.',
    '',
    '## Measured on',
    '',
    ...hostLines(reports),
    '',
    ...sideBySide(results),
    ...chapters.flatMap((one) => chapter(one, results)),
    ...phases(results),
    '## Again, on your machine',
    '',
    '```sh',
    'clonebox bench create --warm --json > warm.json',
    'clonebox bench create --cold --json > cold.json',
    'clonebox bench create --bake --json > bake.json',
    'clonebox bench create --parallel 5 --json > parallel.json',
    'clonebox bench density -n 20 --json > density.json',
    'clonebox bench cli --json > cli.json',
    'node scripts/performance-page.mjs warm.json cold.json bake.json parallel.json density.json cli.json',
    '```',
    '',
    'What each of them does: [doctor, bench](operations/doctor-bench.md). How a clone comes to be so fast:',
    '[templates](templates.md).',
    '',
  ].join('\n');
}

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: node scripts/performance-page.mjs FILE… > docs/performance.md');
  process.exit(2);
}
process.stdout.write(page(files.map((file) => JSON.parse(readFileSync(file, 'utf8')))));
