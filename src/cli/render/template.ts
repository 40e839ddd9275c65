import { shortKey } from '../../core/template.ts';
import { formatBytes } from '../../lib/bytes.ts';
import type { TemplateLine } from '../../ops/templates/list.ts';
import type { Look } from '../command.ts';
import { renderSheet, type SheetRow } from './sheet.ts';

/** One template for people, and what there is to say of it beside. */
export function renderTemplate(
  template: TemplateLine,
  notes: readonly string[],
  look: Look,
): string[] {
  return [
    look.colors.bold(shortKey(template.key)),
    ...renderSheet(templateRows(template), look),
    ...notes,
  ];
}

/** What is on disk of a template. */
export function templateRows(template: TemplateLine): SheetRow[] {
  const { image, packages, services, size, created, lastUsed, usedBy } = template;
  return [
    { label: 'image', value: image },
    ...(packages.length > 0 ? [{ label: 'packages', value: packages.join(' ') }] : []),
    ...(services.length > 0 ? [{ label: 'services', value: services.join(' ') }] : []),
    {
      label: 'disk',
      value: `${formatBytes(size)}, made ${created.slice(0, 16).replace('T', ' ')}`,
    },
    ...template.warm.map(({ shape, size: bytes, usable }) => ({
      label: 'memory',
      value: `${formatBytes(bytes)}: ${shape.cpus} CPUs, ${formatBytes(shape.memory)}${usable ? '' : ' (of another QEMU or processor: not usable)'}`,
    })),
    { label: 'last used', value: lastUsed.slice(0, 16).replace('T', ' ') },
    { label: 'used by', value: usedBy.join(' ') || 'no VM' },
  ];
}
