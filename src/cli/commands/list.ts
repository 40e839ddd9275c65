import { defineCommand } from '../command.ts';
import { userFlag } from '../common.ts';
import { renderList } from '../render/list.ts';

export const list = defineCommand({
  description: `Lists all VMs with what they are at this moment. A broken one is listed with its reason.`,
  arguments: {},
  options: { user: userFlag },
  examples: [
    { line: 'clonebox list', what: 'a table' },
    { line: 'clonebox list --json', what: 'for scripts: { "vms": [...] }' },
  ],
  run: async ({ ctx }) => {
    const ops = await import('../../ops/status.ts');
    return { vms: await ops.list(ctx) };
  },
  render: (data, look) => renderList(data.vms, look),
});
