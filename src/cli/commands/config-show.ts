import type { VmPlan } from '../../core/plan.ts';
import type { ResolvedConfig } from '../../ops/config.ts';
import { defineCommand } from '../command.ts';
import { given, vmArgument } from '../common.ts';
import { knownDriver } from './clone-options.ts';

export const configShow = defineCommand({
  description: `Shows a configuration with nothing left to a default: of a project, what its file means now; of a VM by name, what it was made from.

With --resolved each value of a project's configuration comes with its origin: a line of the file or of a profile, the command line, this workstation, or the default.`,
  arguments: { vm: vmArgument },
  options: { resolved: { kind: 'flag', summary: 'say of each value where it comes from' } },
  examples: [
    { line: 'clonebox config show', what: 'of this directory' },
    { line: 'clonebox config show --resolved', what: 'and where each value comes from' },
    { line: 'clonebox config show shop --json', what: 'of a VM, for scripts' },
  ],
  run: async ({ ctx, args, options, globals, cwd }): Promise<ResolvedConfig | VmPlan> => {
    const ops = await import('../../ops/config.ts');
    if (!options.resolved) return ops.showConfig(ctx, { target: args.vm, cwd });
    const driver = knownDriver(ctx, globals.driver ?? ctx.host.env.CLONEBOX_DRIVER);
    return ops.resolveConfig(ctx, { target: args.vm, cwd, overrides: given({ driver }) });
  },
  render: async (data, look) => {
    if ('values' in data) {
      return (await import('../render/values.ts')).renderValues(data, look);
    }
    const { renderYaml } = await import('../render/yaml.ts');
    return renderYaml(data);
  },
});
