import type { GuestUser, RunUnit } from '../core/plan.ts';
import { systemdQuote } from '../lib/quote.ts';
import type { GuestFile } from './archive.ts';
import { sharesUnit } from './shares.ts';

/** The systemd unit of one of the project's own commands. */
export function runUnitName(unit: Pick<RunUnit, 'name'>): string {
  return `clonebox-run-${unit.name}.service`;
}

/** The project's long-running commands as units. */
export function runUnitFiles(
  units: readonly RunUnit[],
  options: {
    user: GuestUser;
    environment: Readonly<Record<string, string>>;
    /** Units that are handed secrets after each boot, and started then. */
    waiting: ReadonlySet<string>;
  },
): GuestFile[] {
  const { user, environment, waiting } = options;
  return units.flatMap((unit): GuestFile[] => {
    const name = runUnitName(unit);
    const variables = { ...environment, ...unit.env };
    const text = [
      '[Unit]',
      `Description=${unit.name}, of the project`,
      `Requires=${sharesUnit}`,
      `After=network.target ${sharesUnit}`,
      '[Service]',
      ...(user.uid === 0 ? [] : [`User=${user.name}`]),
      // Not by EnvironmentFile=/etc/environment: that would go over the unit's own, and cannot hold every value.
      ...Object.entries(variables).map(
        ([key, value]) => `Environment=${systemdQuote(`${key}=${value}`)}`,
      ),
      ...startLines(unit, variables),
      `Restart=${unit.restart}`,
      'RestartSec=1',
      '[Install]',
      'WantedBy=multi-user.target',
      '',
    ];
    return [
      { path: `/etc/systemd/system/${name}`, content: text.join('\n') },
      ...(waiting.has(unit.name)
        ? []
        : [
            {
              path: `/etc/systemd/system/multi-user.target.wants/${name}`,
              link: `/etc/systemd/system/${name}`,
            },
          ]),
    ];
  });
}

/**
 * Where it starts, and what. `env` does what systemd has no words for, and is one process more: WorkingDirectory= cannot
 * name every path, and a program is looked for in systemd's own PATH. The leading `:` keeps systemd from expanding `$`.
 */
function startLines({ cwd, command }: RunUnit, variables: Readonly<Record<string, string>>) {
  const execStart = (argv: readonly string[]) => `ExecStart=:${argv.map(systemdQuote).join(' ')}`;
  const known = variables.PATH === undefined ? /^(\/|[A-Za-z0-9_][^/]*$)/ : /^\//;
  if (plainPath.test(cwd) && known.test(command[0] ?? ''))
    return [`WorkingDirectory=${cwd.replaceAll('%', '%%')}`, execStart(command)];
  return [execStart(['/usr/bin/env', `--chdir=${cwd}`, '--', ...command])];
}

/** systemd takes the rest of the line as it is, but for spaces at its end and a backslash. */
const plainPath = /^\/([^\u0000-\u001f\u007f\\"']*[^\s\u0000-\u001f\u007f\\"'])?$/;
