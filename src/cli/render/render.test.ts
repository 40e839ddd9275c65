import { describe, expect, it } from 'vitest';
import { parseVmName } from '../../core/name.ts';
import type { StartResult } from '../../ops/start.ts';
import type { VmStatus } from '../../ops/status.ts';
import { colorsFor } from '../colors.ts';
import { renderList } from './list.ts';
import { renderMade } from './made.ts';
import { renderStatus } from './status.ts';
import { renderTable } from './table.ts';

const look = { colors: colorsFor({ isTty: false, wanted: true, env: {} }), columns: 80 };
const gibibyte = 1024 ** 3;
const project = '/home/me/hello-web';

const stopped: VmStatus = {
  ...{ name: parseVmName('hello-web'), state: 'stopped', reason: null, driver: 'qemu', project },
  created: '2026-08-22T12:00:00.000Z',
  ports: [
    { name: 'ssh', guest: 22, host: 22001, address: '127.0.0.1:22001' },
    { name: 'web', guest: 8080, host: 8081, address: '127.0.0.1:8081' },
    { name: '5432', guest: 5432, host: 5432, address: '127.0.0.1:5432' },
  ],
  ...{ accel: null, accelReason: null, network: null, pid: null, uptimeSeconds: null, user: 'me' },
  image: { reference: 'debian:12', digest: 'abcdef0123456789' },
  shares: [{ host: project, guest: project, mode: 'rw', driver: null, mounted: false }],
  memory: { configured: 2 * gibibyte, private: null, shared: null, mode: null },
  disk: { configured: 20 * gibibyte, allocated: gibibyte },
  cpus: 2,
  template: { key: null, warm: false, pool: 0 },
};
const running: VmStatus = {
  ...stopped,
  ...{ state: 'running', accel: 'tcg', accelReason: 'no KVM', pid: 77, uptimeSeconds: 125 },
  network: {
    backend: 'passt',
    hostIsolated: true,
    egress: 'full',
    refusals: null,
    reason: 'no gateway',
  },
  shares: [{ host: project, guest: project, mode: 'rw', driver: '9p', mounted: true }],
  memory: { configured: 2 * gibibyte, private: gibibyte / 2, shared: gibibyte / 4, mode: 'own' },
};

const made = (vm: VmStatus, outcome: StartResult['outcome'] = 'started'): StartResult => ({
  ...{ outcome, vm, path: 'disk', pathReason: 'its own disk' },
  timings: outcome === 'started' ? { t_agent: 20, t_command: 25.5, t_ports: 31.2 } : {},
});

describe('after a start', () => {
  it('people see that it is ready, where it is, and how to log in', () => {
    expect(renderMade(made(running), look)).toEqual([
      'ready in 31.2s: hello-web',
      '  project   /home/me/hello-web (live, same path in the guest)',
      '  web       http://127.0.0.1:8081  -> port 8080',
      '  port      127.0.0.1:5432  -> port 5432',
      '  log in    clonebox ssh hello-web',
    ]);
  });

  it('a VM that ran already says so, a stopped one how to start it', () => {
    expect(renderMade(made(running, 'unchanged'), look)[0]).toBe('hello-web runs already');
    const lines = renderMade(made(stopped, 'unchanged'), look);
    expect(lines[0]).toBe('hello-web is there already');
    expect(lines.at(-1)).toBe('  start it  clonebox start hello-web');
  });

  it('people are warned when the guest can reach this host, or a share is missing', () => {
    const open: VmStatus = {
      ...running,
      network: {
        backend: 'user',
        hostIsolated: false,
        egress: 'full',
        refusals: null,
        reason: 'no passt',
      },
      shares: running.shares.map((share) => ({ ...share, mounted: false })),
    };
    const text = renderMade(made(open), look).join('\n');
    expect(text).toContain(
      "warning: the guest can reach services on this host's loopback: no passt",
    );
    expect(text).toContain('warning: /home/me/hello-web is not mounted');
  });
});

describe('status', () => {
  it('is a sheet of what runs', () => {
    expect(renderStatus(running, look).filter((line) => !line.includes('created'))).toEqual([
      'hello-web',
      '  state     running, up 2m05s (pid 77)',
      '  project   /home/me/hello-web',
      '  driver    qemu',
      '  accel     TCG: no KVM',
      "  network   passt, this host's loopback is cut off",
      '  web       http://127.0.0.1:8081  -> port 8080',
      '  port      127.0.0.1:5432  -> port 5432',
      '  shares    /home/me/hello-web (live, same path in the guest), mounted by 9p',
      '  cpus      2',
      '  memory    2G, 512M of this host used, 256M shared with others',
      '  disk      20G, 1G of this host used',
      '  image     debian:12 (abcdef012345)',
      '  user      me',
    ]);
  });

  it('says when the guest can reach this host', () => {
    const network = { ...running.network, hostIsolated: false } as VmStatus['network'];
    const text = renderStatus({ ...running, network }, look).join('\n');
    expect(text).toContain("this host's loopback is NOT cut off");
  });

  it('of a stopped VM has no network, and no warning', () => {
    const text = renderStatus(stopped, look).join('\n');
    expect(text).not.toMatch(/network|warning|NOT/);
  });

  it('shows why a VM is broken, and no escape sequence of it', () => {
    const broken = { ...stopped, state: 'broken', reason: 'no \u001b[2J record' };
    const text = renderStatus(broken, look).join('\n');
    expect(text).toContain('why       no \\u001b[2J record');
  });
});

describe('list', () => {
  it('is a table without borders', async () => {
    expect(await renderList([running, { ...stopped, ports: [], project: null }], look)).toEqual([
      'NAME       STATE    PORTS                  PROJECT',
      'hello-web  running  8081->8080 5432->5432  /home/me/hello-web',
      'hello-web  stopped  -                      -',
    ]);
  });

  it('gives the reason of a broken VM below', async () => {
    const lines = await renderList([{ ...stopped, state: 'broken', reason: 'no record' }], look);
    expect(lines.at(-1)).toBe('warning: hello-web: no record');
  });

  it('says what to do when there is none', async () => {
    expect((await renderList([], look)).join()).toContain('clonebox clone --run');
  });
});

describe('a table', () => {
  const table = { head: ['A', 'B'], rows: [['x', 'y'.repeat(200)]] };

  it('fits a terminal and is whole for a program', async () => {
    const lines = await renderTable(table, look);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    const whole = await renderTable(table, { ...look, columns: Number.POSITIVE_INFINITY });
    expect(whole[1]).toBe(`x  ${'y'.repeat(200)}`);
  });

  it('keeps its columns under colours and wide letters', async () => {
    const lines = await renderTable(
      {
        head: ['NAME', 'STATE', 'END'],
        rows: [
          ['漢字', 'up', 'z'],
          ['ab', 'down', 'z'],
        ],
        paint: (cell, column) => (column === 1 ? `\u001b[32m${cell}\u001b[39m` : cell),
      },
      look,
    );
    const plain = lines.map((line) => line.replaceAll(/\u001b\[\d+m/g, ''));
    expect(plain).toEqual(['NAME  STATE  END', '漢字  up     z', 'ab    down   z']);
  });
});
