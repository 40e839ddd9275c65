import type { PoolLevel } from '../../ops/pool/fill.ts';
import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';
import { renderTemplate } from '../render/template.ts';

export const templateBuild = defineCommand({
  description: `Makes the template that a clone of a project would begin from, keeps its memory, so that the clone itself takes a second, and fills its pool. Makes no VM. When all is there, nothing is done.`,
  arguments: {
    project: {
      ...vmArgument,
      summary: 'path of the project, or name of a VM: as that was made; default: this directory',
    },
  },
  options: {
    idle: {
      kind: 'flag',
      summary: 'once no machine is being started, and behind whatever else runs',
    },
    cold: { kind: 'flag', summary: 'the disk alone, without a memory to go on from' },
  },
  examples: [
    { line: 'clonebox template build', what: 'for the project of this directory' },
    { line: 'clonebox template build ~/shop --trust', what: 'of another one, in a script' },
  ],
  run: async ({ ctx, args, options, cwd, trust }) => {
    const { buildTemplate } = await import('../../ops/templates/build.ts');
    return buildTemplate(ctx, {
      target: args.project,
      cwd,
      trust,
      warm: !options.cold,
      idle: options.idle,
    });
  },
  render: ({ template, notWarm, pool }, look) => {
    const words = [
      ...(notWarm === null ? [] : [`no memory was kept: ${notWarm}`]),
      ...(pool.wanted === 0 ? [] : [poolText(pool)]),
    ];
    return renderTemplate(template, words, look);
  },
});

function poolText({ waiting, wanted, reason }: PoolLevel): string {
  return `${waiting} of ${wanted} in the pool${reason === null ? '' : `: ${reason}`}`;
}
