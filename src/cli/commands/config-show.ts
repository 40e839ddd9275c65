import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';

export const configShow = defineCommand({
  description: `Shows a configuration with nothing left to a default: of a project, what its file means now; of a VM by name, what it was made from.`,
  arguments: { vm: vmArgument },
  options: {},
  examples: [
    { line: 'clonebox config show', what: 'of this directory' },
    { line: 'clonebox config show shop --json', what: 'of a VM, for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { showConfig } = await import('../../ops/config.ts');
    return showConfig(ctx, { target: args.vm, cwd });
  },
  render: async (data) => {
    const { renderYaml } = await import('../render/yaml.ts');
    return renderYaml(data);
  },
});
