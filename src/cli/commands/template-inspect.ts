import { shortKey } from '../../core/template.ts';
import { defineCommand } from '../command.ts';
import { renderSheet } from '../render/sheet.ts';
import { templateRows } from '../render/template.ts';

export const templateInspect = defineCommand({
  description: `Shows what shaped a template, and why its key is not that of another: the one that is named, or the nearest in the cache. A path stands for the template that a clone of that project would begin from, made or not.`,
  arguments: {
    template: { summary: 'beginning of a key, or path of a project; default: this directory' },
    other: { summary: 'what to compare it with; default: the nearest there is' },
  },
  options: {
    verify: { kind: 'flag', summary: 'also look whether its files are what was stored' },
  },
  examples: [
    { line: 'clonebox template inspect', what: 'of the project of this directory' },
    { line: 'clonebox template inspect 3fa9c1 ./shop', what: 'why the shop needs another one' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const { inspectTemplate } = await import('../../ops/templates/inspect.ts');
    const { verify } = options;
    return inspectTemplate(ctx, { target: args.template, other: args.other, cwd, verify });
  },
  render: async ({ key, template, damage, other }, look) => [
    look.colors.bold(shortKey(key)),
    ...renderSheet(
      [
        ...(template === null
          ? [{ label: 'state', value: 'not made yet: clonebox template build' }]
          : templateRows(template)),
        ...(damage === null ? [] : [{ label: 'damaged', value: damage }]),
      ],
      look,
    ),
    ...(other === null
      ? []
      : other.differences.length === 0
        ? [`The same as ${shortKey(other.key)}.`]
        : [
            `Differs from ${shortKey(other.key)} in:`,
            ...renderSheet(
              other.differences.map(({ what, how }) => ({ label: what, value: how })),
              look,
            ),
          ]),
  ],
});
