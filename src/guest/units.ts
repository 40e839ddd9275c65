import type { GuestUser, RunUnit } from '../core/plan.ts';
import { systemdQuote } from '../lib/quote.ts';
import type { GuestFile } from './archive.ts';
import { sharesUnit } from './shares.ts';

/** The systemd unit of one of the project's own commands. */
export function runUnitName(unit: Pick<RunUnit, 'name'>): string {
  return `clonebox-run-${unit.name}.service`;
}

/**
 * The project's long-running commands as units. `env` sets the directory, since WorkingDirectory= cannot name every
 * path; the leading `:` keeps systemd from expanding `$`.
 */
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
    const command = ['/usr/bin/env', `--chdir=${unit.cwd}`, '--', ...unit.command];
    const text = [
      '[Unit]',
      `Description=${unit.name}, of the project`,
      `Requires=${sharesUnit}`,
      `After=network.target ${sharesUnit}`,
      '[Service]',
      ...(user.uid === 0 ? [] : [`User=${user.name}`]),
      // Not by EnvironmentFile=/etc/environment: that would go over the unit's own, and cannot hold every value.
      ...Object.entries({ ...environment, ...unit.env }).map(
        ([key, value]) => `Environment=${systemdQuote(`${key}=${value}`)}`,
      ),
      `ExecStart=:${command.map(systemdQuote).join(' ')}`,
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
