import { type DetectArea, type DetectReport, detectAreas } from '../../core/detect.ts';
import { CloneboxError } from '../../core/errors.ts';
import { nearest } from '../../lib/near.ts';
import { quoted } from '../../lib/printable.ts';
import type { SavedReport } from '../../ops/detect-here.ts';
import { defineCommand } from '../command.ts';
import { durationOption, textOption } from '../common.ts';

export const detect = defineCommand({
  description: `Looks at this workstation and says what there is, and how it is known: ${detectAreas.join(', ')}. In a project's directory also what that project needs. Changes nothing, and takes two seconds at the most; what could not be looked at is said at the end.

Command lines, environments and the content of places of credentials are never read into it.`,
  arguments: {
    area: { summary: 'what to look at, one or several; default: everything', many: true },
  },
  options: {
    yaml: { kind: 'flag', summary: 'print YAML' },
    output: {
      ...textOption('FILE', 'write JSON (or YAML) into this file, for you alone'),
      short: 'o',
    },
    deadline: durationOption('how long it may take, on a slow machine; default: 1500ms'),
    dedupe: { kind: 'flag', summary: 'of things with one name in an area show the best known' },
  },
  examples: [
    { line: 'clonebox detect', what: 'everything, the first of each area' },
    { line: 'clonebox detect languages services', what: 'two areas, and all of them' },
    { line: 'clonebox detect --dedupe --yaml -o workstation.yaml', what: 'into a file' },
  ],
  run: async ({ ctx, args, options, globals, cwd, streams }) => {
    const areas = args.area.map(areaNamed);
    const { yaml, output, dedupe, deadline } = options;
    const isFile = output !== undefined && output !== '-';
    if (yaml && globals.json && !isFile) {
      throw new CloneboxError('usage', '--json and --yaml are two documents, and there is one');
    }
    const ops = await import('../../ops/detect-here.ts');
    const { outputFile } = await import('../../ops/output-file.ts');
    // What is wrong with it is said before two seconds are gone.
    const file = isFile ? await outputFile(ctx, { file: output, cwd }) : undefined;
    const report = await ops.detectHere(ctx, { areas, cwd, dedupe, deadline });
    const format = yaml ? 'yaml' : 'json';
    if (file !== undefined) return ops.saveReport(report, { file, format });
    if (!yaml) return report;
    streams.write('stdout', Buffer.from(ops.reportText(report, 'yaml')));
    return undefined;
  },
  render: async (data: DetectReport | SavedReport | undefined, look) => {
    if (data === undefined) return [];
    if ('file' in data) return [`${data.found} things are in ${data.file}`];
    const { renderReport } = await import('../render/detect.ts');
    return renderReport(data, look);
  },
});

function areaNamed(word: string): DetectArea {
  const area = detectAreas.find((one) => one === word);
  if (area !== undefined) return area;
  const near = nearest(word, detectAreas);
  throw new CloneboxError('usage', `there is no area ${quoted(word)}`, {
    hint: near ? `Did you mean: clonebox detect ${near}` : `Areas: ${detectAreas.join(', ')}`,
    facts: { area: word, areas: detectAreas },
  });
}
