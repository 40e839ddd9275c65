import type { Ctx } from './core/ctx.ts';
import type { Driver } from './core/driver.ts';
import { CloneboxError } from './core/errors.ts';
import type { Host } from './core/host.ts';
import type { Images } from './core/image.ts';
import type { Io } from './core/io.ts';
import type { Paths, Store } from './core/store.ts';
import { drivers } from './drivers/registry.ts';
import { openAgent } from './guest/agent.ts';
import { writeSeed } from './guest/seed.ts';
import { createGuestSetup } from './guest/setup.ts';
import { makeKeys, sshArgv, sshSettings } from './guest/ssh.ts';
import { createHost } from './host/local.ts';
import { createImages } from './images/images.ts';
import { createPaths } from './store/paths.ts';
import { checkRuntime } from './store/runtime-directory.ts';
import { createStore } from './store/store.ts';
import { restoreVmUndo } from './store/trash.ts';
import { removePathUndo } from './store/undo-path.ts';

/**
 * Builds the whole graph: the only place that knows implementations. What is heavy is made at its first use and kept;
 * tests pass `overrides`. To add a driver, see docs/architecture.md.
 */
export function createContext(
  options: { io: Io; startedAt: number },
  overrides: Partial<Ctx> = {},
): Ctx {
  const host = overrides.host ?? createHost();
  const paths: Paths = overrides.store?.paths ?? createPaths(host);
  const openDriver = memoise(async (name: string) => {
    // A socket is only trusted in a directory that is ours: the runtime may be in a shared temporary one.
    await checkRuntime(host, paths);
    return loadDriver(name, { host, paths });
  });
  const store: Store =
    overrides.store ??
    createStore({
      host,
      paths,
      undoHandlers: {
        'remove-path': removePathUndo(host, paths),
        'restore-vm': restoreVmUndo(host, paths),
        'release-leases': async (undo, io) => {
          await store.release(undo.name, io);
        },
        'stop-machine': async (undo, io) => {
          const driver = await openDriver(undo.driver);
          await driver.stop(undo.name, io, { grace: 0 });
          await driver.remove(undo.name, io);
        },
      },
    });
  let images: Images | undefined;
  return {
    host,
    store,
    get images() {
      const made = images ?? createImages({ host, paths });
      images = made;
      return made;
    },
    io: options.io,
    startedAt: options.startedAt,
    driver: openDriver,
    driverNames: Object.keys(drivers),
    openGuest: async (name) => {
      const record = await store.read(name);
      const driver = await openDriver(record?.plan.driver ?? 'qemu');
      return openAgent(host, driver.channels(name).agent);
    },
    setup: createGuestSetup({ host, paths }),
    prepareFirstBoot: async (record) => {
      const own = paths.vm(record.name);
      await makeKeys(host, record, { paths: own, io: options.io });
      if (record.image.setup === 'cloud-init')
        await writeSeed(host, record, { paths: own, io: options.io });
    },
    sshSettings: (record) => sshSettings(record, paths.vm(record.name)),
    sshCommand: (record, sshOptions) =>
      sshArgv(host, record, { ...sshOptions, paths: paths.vm(record.name) }),
    ...overrides,
  };
}

async function loadDriver(name: string, deps: { host: Host; paths: Paths }): Promise<Driver> {
  const entry = drivers[name];
  if (entry !== undefined) return entry.open(deps);
  throw new CloneboxError('config-invalid', `there is no driver named ${name}`, {
    hint: `Use one of: ${Object.keys(drivers).join(', ')}`,
    facts: { driver: name },
  });
}

function memoise<T>(make: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}
