import { expect, it } from 'vitest';
import { colorsFor } from '../../src/cli/colors.ts';
import { renderBench } from '../../src/cli/render/bench.ts';
import { bakeResults } from '../../src/ops/bench-bake.ts';
import { createResults, latestOf } from '../../src/ops/bench-create.ts';
import { densityResults } from '../../src/ops/bench-density.ts';
import { phaseResults, watchPhases } from '../../src/ops/bench-phases.ts';
import { projectText } from '../../src/ops/bench-projects.ts';
import { bareArguments } from '../../src/ops/bench-resume.ts';

const plain = { colors: colorsFor({ isTty: false, wanted: false, env: {} }), columns: 80 };
const host = {
  ...{ cpus: 2, memory: 1024 ** 3, processor: 'a processor', kernel: '6.1', qemu: '7.2.22' },
  ...{ accel: 'tcg', node: 'v20.19.0', load: 0.25 },
};

it('has a row for each time of a new VM, with the reference where a bare machine has that time', () => {
  const measured = [
    { t_agent: 0.6, t_command: 1.2, t_ports: 2 },
    { t_agent: 0.8, t_command: 1.6, t_ports: 3 },
  ];
  const rows = createResults({ mode: 'warm', parallel: 1, measured, references: [0.3, 0.4] });
  expect(
    rows.map(({ scenario, measured, reference, ratio }) => [
      ...[scenario, measured.median, reference?.median, ratio],
    ]),
  ).toEqual([
    ['create --warm: t_agent', 0.7, 0.35, 2],
    ['create --warm: t_command', 1.4, 0.35, 4],
    ['create --warm: t_ports', 2.5, undefined, null],
  ]);
});

it('has no row for a time that nobody told, and no ratio without a reference', () => {
  const measured = [{ t_agent: 12, t_command: 14 }];
  const rows = createResults({ mode: 'cold', parallel: 1, measured, references: [] });
  expect(rows.map(({ scenario, ratio, target }) => [scenario, ratio, target])).toEqual([
    ['create --cold: t_agent', null, 'ratio <= 1.15'],
    ['create --cold: t_command', null, '30 s'],
  ]);
});

it('counts several clones as there when the last is, and leaves out what one has not told', () => {
  const timings = [
    { t_agent: 1, t_command: 3, t_ports: 4 },
    { t_agent: 2, t_command: 2.5 },
  ];
  expect(latestOf(timings)).toEqual({ t_agent: 2, t_command: 3 });
  const [first] = createResults({ mode: 'warm', parallel: 2, measured: timings, references: [] });
  expect(first?.scenario).toBe('create --warm --parallel 2: t_agent');
});

it('takes the bare boots off the first use of a template, pair by pair', () => {
  const [whole, overhead] = bakeResults([60, 70, 80], [50, 52, 70]);
  expect(whole?.measured.median).toBe(70);
  expect(overhead?.measured).toMatchObject({ runs: 3, min: 10, median: 10, max: 18 });
  expect(bakeResults([60], [])).toHaveLength(1);
});

it('says of running clones what each takes, what all do, and whether it grows evenly', () => {
  const looks = [[100], [60, 80], [50, 60, 70, 60]].map((all) => ({
    bytes: all.map((one) => one * 1e6),
  }));
  const rows = densityResults(looks);
  expect(rows.map(({ scenario, measured }) => [scenario, measured.median])).toEqual([
    ['density: 1 running', 100],
    ['density: 2 running', 70],
    ['density: 4 running', 60],
    ['density: all', 240],
    ['density: linear', 50],
  ]);
  expect(rows.at(-1)).toMatchObject({ ratio: 1.25, reference: { median: 40 } });
  expect(densityResults(looks.slice(0, 1)).map(({ scenario }) => scenario)).toEqual([
    ...['density: 1 running', 'density: all'],
  ]);
});

it('measures the phases by the lines of a clone, without the document that comes last', () => {
  let time = 0;
  const phases = new Map<string, number[]>();
  const told = [
    ...['bench-12-1: 2 CPUs', 'warning: as root', 'Making the disk', '  a detail'],
    ...['Making it bench-12-1', '{', '  "outcome": "created"', '}'],
  ];
  for (let round = 0; round < 2; round += 1) {
    const watch = watchPhases(phases, () => time);
    for (const line of told) {
      watch.onLine(line);
      time += 1000;
    }
    watch.end();
  }
  expect([...phases]).toEqual([
    ['reading the plan', [2, 2]],
    ['Making the disk', [2, 2]],
    ['Making it NAME', [4, 4]],
  ]);
  const [longest] = phaseResults('create --warm', phases);
  expect(longest).toMatchObject({ scenario: 'create --warm: longest phases' });
  expect(longest?.measured).toEqual({ what: 'Making it NAME', runs: 2, min: 4, median: 4, max: 4 });
});

it('takes the arguments of a bare machine from those of a clone, with files of its own', () => {
  const memory = { 'qom-type': 'memory-backend-memfd', id: 'mem', size: 512, share: true };
  const machine = {
    argv: [
      ...['qemu', '-pidfile', '/run/a/qemu.pid', '-object', JSON.stringify(memory)],
      ...['-netdev', 'stream,id=net0,server=off,addr.type=unix,addr.path=/run/a/passt.sock'],
      ...['-chardev', 'socket,id=agent,path=/run/a/agent,server=on', '-fsdev'],
      ...['local,id=share0,path=/proc/self/fd/10,readonly=off'],
      ...['-blockdev', '{"filename":"/vms/x,,y/disk.qcow2"}', '-incoming', 'defer'],
    ],
    directories: ['/run/a', '/vms/x,y'],
    ...{ ram: '/kept/ram', state: '/kept/state', base: '/kept/disk.qcow2', size: 20 },
  };
  const file = { 'qom-type': 'memory-backend-file', id: 'mem', size: 512 };
  expect(bareArguments(machine, '/bare')).toEqual([
    ...['qemu', '-pidfile', '/bare/qemu.pid', '-object'],
    ...[JSON.stringify({ ...file, 'mem-path': '/kept/ram', share: false }), '-netdev'],
    ...['user,id=net0', '-chardev', 'socket,id=agent,path=/bare/agent,server=on'],
    ...['-fsdev', 'local,id=share0,path=/bare/empty,readonly=off', '-blockdev'],
    ...['{"filename":"/bare/disk.qcow2"}', '-incoming', 'defer'],
  ]);
});

it('writes a project with more lines of its machine, and of its own', () => {
  const text = projectText('b', { image: 'debian:12', vm: 'memory_mode: shared', more: 'x: y\n' });
  expect(text).toContain(
    "vm: { name: b, image: 'debian:12', cpus: 2, memory: 1G, memory_mode: shared }",
  );
  expect(text.endsWith('port: 8080\nx: y\n')).toBe(true);
});

it('shows rows of one bench below its name, each figure with what it was measured against', () => {
  const results = [
    ...createResults({
      ...{ mode: 'warm', parallel: 1, references: [0.5] },
      measured: [{ t_agent: 0.75, t_command: 1.5 }],
    }),
    ...phaseResults(
      'create --warm',
      new Map([
        ['one', [2]],
        ['two', [1]],
      ]),
    ),
  ];
  const text = renderBench({ date: '2026-01-02T03:04:05Z', host, results }, plain).join('\n');
  expect(text).toMatchInlineSnapshot(`
    "create --warm: t_agent
      a new VM, until its agent answers     0.75 s (1 run)
      bare QEMU, same memory, to its agent  0.50 s (1 run)
      ratio                                 1.50
    create --warm: t_command
      a new VM, until a command has run     1.50 s (1 run)
      bare QEMU, same memory, to its agent  0.50 s (1 run)
      ratio                                 3.00
      target                                < 1.5 s
    create --warm: longest phases
      one       2.00 s (1 run)
      two       1.00 s (1 run)
      measured on  2 x a processor, 1G, Linux 6.1
                   QEMU 7.2.22 (TCG), Node v20.19.0
                   load 0.3 before it began"
  `);
});
