import {
  type DetectArea,
  type DetectItems,
  type DetectReport,
  detectAreas,
} from '../../core/detect.ts';
import type { Finding } from '../../core/plan.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { printable } from '../../lib/printable.ts';
import type { Look } from '../command.ts';
import { cutTo } from '../text.ts';
import { renderSheet } from './sheet.ts';
import { renderTable } from './table.ts';

/** How an area is shown: a head and, on a terminal, the most that each column takes. The last one is why. */
interface Shape<Area extends DetectArea> {
  readonly columns: readonly (readonly [head: string, most: number])[];
  row(item: DetectItems[Area]): readonly string[];
}

/** When everything was asked for, an area shows so many. */
const overview = 12;

/** `clonebox detect` for people: a section for each area, and at the end what could not be looked at. */
export async function renderReport(
  { found, problems }: DetectReport,
  look: Look,
): Promise<readonly string[]> {
  const areas = detectAreas.filter((area) => found[area] !== undefined);
  const most = areas.length === detectAreas.length ? overview : Number.POSITIVE_INFINITY;
  const sections = await Promise.all(
    areas.map((area) => section(area, found[area] ?? [], { look, most })),
  );
  return [...sections.flatMap((lines) => [...lines, '']), ...problemLines(problems, look)].slice(
    0,
    problems.length === 0 ? -1 : undefined,
  );
}

async function section<Area extends DetectArea>(
  area: Area,
  items: readonly DetectItems[Area][],
  { look, most }: { look: Look; most: number },
): Promise<string[]> {
  const { colors } = look;
  if (items.length === 0) return [`${colors.bold(area)}: none`];
  const shape = shapes[area] as Shape<Area>;
  const isTerminal = Number.isFinite(look.columns);
  const rows = items.slice(0, most).map((item) => {
    const cells = shape.row(item).map((cell, column) => {
      const room = shape.columns[column]?.[1] ?? 10;
      return isTerminal ? cutTo(printable(cell, 4096), room) : cell;
    });
    return [...cells, why(item.finding)];
  });
  const head = [...shape.columns.map(([title]) => title), 'WHY'];
  const table = await renderTable({ head, rows }, { ...look, columns: look.columns - 2 });
  const left = items.length - rows.length;
  const more = left > 0 ? [colors.dim(`and ${left} more: clonebox detect ${area}`)] : [];
  return [
    `${colors.bold(area)} (${items.length})`,
    ...[...table, ...more].map((line) => `  ${line}`),
  ];
}

function why({ confidence, reason }: Finding): string {
  return confidence === 'certain' ? reason : `${confidence}: ${reason}`;
}

function problemLines(problems: DetectReport['problems'], look: Look): string[] {
  if (problems.length === 0) return [];
  const rows = problems.map(({ area, reason }) => ({ label: area, value: reason }));
  return [look.colors.yellow('could not be looked at'), ...renderSheet(rows, look)];
}

const shapes: { readonly [Area in DetectArea]: Shape<Area> } = {
  services: {
    columns: [
      ['NAME', 20],
      ['STATE', 7],
      ['BOOT', 4],
      ['PACKAGE', 14],
      ['PORTS', 9],
    ],
    row: ({ name, running, enabled, package: owner, ports }) => [
      name,
      running ? 'running' : 'stopped',
      enabled === null ? '?' : enabled ? 'yes' : 'no',
      owner ?? '-',
      list(ports),
    ],
  },
  applications: {
    columns: [
      ['NAME', 16],
      ['FROM', 16],
      ['RUN', 3],
      ['MEMORY', 8],
    ],
    row: ({ name, owner, processes, memory }) => [
      name,
      owner === null ? '-' : `${owner.kind} ${owner.name}`,
      String(processes),
      formatBytes(memory),
    ],
  },
  packages: {
    columns: [
      ['NAME', 24],
      ['VERSION', 16],
      ['BY', 7],
    ],
    row: ({ name, version, manager }) => [name, version, manager],
  },
  projects: {
    columns: [
      ['NAME', 16],
      ['OF', 14],
      ['NEEDS', 28],
    ],
    row: ({ name, ecosystems, needs }) => {
      const tools = (needs?.tools ?? []).map((one) => one.name);
      const services = (needs?.services ?? []).map((one) => one.name);
      return [name, list(ecosystems), list([...new Set([...tools, ...services])])];
    },
  },
  languages: {
    columns: [
      ['NAME', 8],
      ['VERSION', 14],
      ['RUNS', 10],
      ['BY', 10],
    ],
    row: ({ name, version, current, manager }) => [
      name,
      version,
      current ? 'by default' : '-',
      manager,
    ],
  },
  ports: {
    columns: [
      ['PORT', 9],
      ['ON', 24],
      ['PROCESS', 16],
    ],
    row: ({ port, protocol, addresses, process }) => [
      `${port}/${protocol}`,
      list(addresses),
      process ?? '-',
    ],
  },
  containers: {
    columns: [
      ['NAME', 16],
      ['IMAGE', 18],
      ['STATE', 7],
      ['PORTS', 12],
      ['PROJECT', 8],
    ],
    row: ({ name, image, state, ports, project }) => [
      name,
      image,
      state,
      list(
        ports.map(({ host, container }) => (host === null ? container : `${host}:${container}`)),
      ),
      project ?? '-',
    ],
  },
  paths: {
    columns: [
      ['PATH', 30],
      ['KIND', 8],
      ['SIZE', 7],
    ],
    row: ({ path, kind, bytes }) => [
      path,
      kind === 'application data' ? 'data' : kind,
      bytes === null ? '-' : formatBytes(bytes),
    ],
  },
  hardware: {
    columns: [
      ['NAME', 12],
      ['VALUE', 36],
    ],
    row: ({ name, value }) => [name, value],
  },
  user: {
    columns: [
      ['NAME', 10],
      ['VALUE', 42],
    ],
    row: ({ name, value }) => [name, value],
  },
};

function list(values: readonly (string | number)[]): string {
  return values.length === 0 ? '-' : values.join(', ');
}
