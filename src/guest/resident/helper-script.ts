import type { GuestFile } from '../archive.ts';
import { perlBase } from './perl-base.ts';
import { perlBus } from './perl-bus.ts';
import { perlLoop } from './perl-loop.ts';
import { perlVerbs } from './perl-verbs.ts';

export const helperUnit = 'clonebox-helper.service';

const path = '/usr/local/lib/clonebox/helper';
const port = '/dev/virtio-ports/org.clonebox.helper.0';

/**
 * The resident helper and its unit, for a template: they are there, and wait, when its memory is kept. The unit is part
 * of each later boot too. Putting them in place starts nothing.
 */
export function helperFiles(): GuestFile[] {
  const unit = [
    '[Unit]',
    'Description=Waits to be told which machine this is',
    'DefaultDependencies=no',
    'After=local-fs.target',
    'Conflicts=shutdown.target',
    'Before=shutdown.target',
    'StartLimitIntervalSec=0',
    '[Service]',
    // Where nothing else has loaded them, the first mount would: by a process, in the second that counts.
    'ExecStartPre=-/sbin/modprobe -aq 9p 9pnet_virtio',
    `ExecStart=/usr/bin/perl ${path} ${port}`,
    'Restart=always',
    'RestartSec=1',
    'StandardOutput=null',
    'OOMScoreAdjust=-900',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ];
  return [
    { path: '/usr/local/lib/clonebox', directory: true },
    { path, content: helperScript, mode: 0o755 },
    { path: `/etc/systemd/system/${helperUnit}`, content: unit.join('\n') },
    {
      path: `/etc/systemd/system/multi-user.target.wants/${helperUnit}`,
      link: `/etc/systemd/system/${helperUnit}`,
    },
  ];
}

/**
 * Perl, since every Debian has it (perl-base), and since its `syscall` does all of this in one process that is there
 * already: a process more costs 0.1-0.3 s in an emulated guest that has just gone on (docs/lab.md).
 *
 * A request is lines of `VERB HEX…`, its arguments in hexadecimal, and then `go ID`; the answer is one line, `ID ok
 * NAME=HEX…` or `ID failed VERB HEX`. The first verb that fails is the last one. `begin` forgets what came before it.
 *
 * Its arguments: the port, or what to read and what to write where these are two.
 */
export const helperScript = [perlBase, perlVerbs, perlBus, perlLoop].join('\n');
