import type { Driver, DriverFacts, MachineState } from '../../core/driver.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import type { VmName } from '../../core/name.ts';
import type { Paths } from '../../core/store.ts';
import { adopt, hold, holds } from './adopt.ts';
import { plugBalloon } from './balloon.ts';
import { closeNetwork } from './close-network.ts';
import { control } from './control.ts';
import { createDisk, growDisk, measureDisk } from './disk.ts';
import { ejectSeed } from './eject-seed.ts';
import { writtenParts } from './guest-memory.ts';
import { keepMemory } from './keep-memory.ts';
import { memoryIdentity } from './memory-identity.ts';
import { preflight } from './preflight.ts';
import { clearRuntime, findQemu, type Machine, readState } from './process.ts';
import { readRun } from './run-file.ts';
import { runtimeFiles } from './runtime-files.ts';
import { startMachine } from './start-machine.ts';
import { stopMachine } from './stop-machine.ts';

/** QEMU by itself: no daemon, no root, one process per machine and passt and virtiofsd beside it. */
export function createQemuDriver(deps: { host: Host; paths: Paths }): Driver {
  const { host, paths } = deps;
  const machineOf = (name: VmName): Machine => ({
    host,
    files: runtimeFiles(paths.runtimeOf(name)),
  });
  // One command asks several times, and each time would be two runs of QEMU.
  let known: { readonly at: number; readonly facts: Promise<DriverFacts> } | undefined;
  return {
    name: 'qemu',
    preflight: (io) => {
      const now = host.now();
      if (known === undefined || now - known.at > 5000)
        known = { at: now, facts: preflight(host, io) };
      return known.facts;
    },
    create: (disk, io) => createDisk(host, disk, io),
    grow: (path, size, io) => growDisk(host, { path, size }, io),
    measure: (path, io) => measureDisk(host, path, io),
    start: (spec, io) => startMachine(machineOf(spec.name), spec, io),
    stop: (name, io, options) => stopMachine(machineOf(name), io, options.grace),
    ejectSeed: (name, io) => control(machineOf(name), io, ejectSeed),
    remove: (name, io) => clearRuntime(host, machineOf(name).files, io.signal),
    closeNetwork: (spec, io) => closeNetwork(machineOf(spec.name), spec.network, io),
    memory: {
      keep: (name, into, io) => keepMemory(machineOf(name), into, io),
      giveBack: (name, io) => plugBalloon(machineOf(name), io),
      hold: (name, io) => hold(machineOf(name), io),
      written: (ram, io) => writtenParts(host, ram, io),
      adopt: (from, spec, io) =>
        adopt({ from: machineOf(from), to: machineOf(spec.name) }, spec, io),
      holds: (name, directories) => holds(machineOf(name), directories),
      identity: (facts) => memoryIdentity(host, facts),
    },
    inspect: (name, io) => inspect(deps, name, io),
    running: async (name) => {
      const machine = machineOf(name);
      const process = await findQemu(machine.host, machine.files);
      return process && { ...(await readRun(machine)), process };
    },
    usage: async (name) => {
      const machine = machineOf(name);
      const process = await findQemu(host, machine.files);
      const memory = process && (await host.processMemory(process));
      if (memory === undefined) return { memory };
      // Pages of the kept RAM that one machine alone has mapped count as its own for the kernel.
      const { resumed } = await readRun(machine);
      const own = resumed === 'shared' ? memory.anonymous : memory.rss - memory.shared;
      return { memory: { private: own, shared: memory.rss - own } };
    },
    channels: (name) => {
      const { files } = machineOf(name);
      return { agent: files.agent, console: files.console, helper: files.helper };
    },
  };
}

async function inspect(
  deps: { host: Host; paths: Paths },
  name: VmName,
  io: Io,
): Promise<MachineState> {
  const { host, paths } = deps;
  const state = await readState(host, runtimeFiles(paths.runtimeOf(name)), io.signal);
  if (state.kind !== 'stopped') return state;
  const vm = paths.vm(name);
  if ((await host.files.facts(vm.directory)) === undefined) return { kind: 'absent' };
  if ((await host.files.facts(vm.disk)) === undefined)
    return { kind: 'broken', reason: 'its disk is missing' };
  return { kind: 'stopped' };
}
