import { shortKey } from '../../core/template.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { defineCommand } from '../command.ts';
import { renderTable } from '../render/table.ts';

export const templateList = defineCommand({
  description: `Lists the templates in the cache, the last used first: what is in them, the memories kept of them, and the VMs that stand on them.`,
  arguments: {},
  options: {},
  examples: [
    { line: 'clonebox template list', what: 'a table' },
    { line: 'clonebox template list --json', what: 'for scripts' },
  ],
  run: async ({ ctx }) => {
    const { listTemplates } = await import('../../ops/templates/list.ts');
    return { templates: await listTemplates(ctx) };
  },
  render: async ({ templates }, look) => {
    if (templates.length === 0) return ['No templates yet; the first clone makes one.'];
    return renderTable(
      {
        head: ['TEMPLATE', 'DISK', 'MEMORY', 'LAST USED', 'PACKAGES', 'USED BY'],
        rows: templates.map(({ key, size, warm, lastUsed, packages, usedBy }) => {
          const usable = warm.filter((one) => one.usable);
          const memory = usable.reduce((sum, one) => sum + one.size, 0);
          return [
            shortKey(key),
            formatBytes(size),
            usable.length > 0 ? formatBytes(memory) : warm.length > 0 ? 'stale' : '-',
            lastUsed.slice(0, 10),
            packages.join(' ') || '-',
            usedBy.join(' ') || '-',
          ];
        }),
      },
      look,
    );
  },
});
