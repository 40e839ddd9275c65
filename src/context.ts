import { dirname } from 'node:path';
import type { Ctx } from './core/ctx.ts';
import type { Driver } from './core/driver.ts';
import { CloneboxError } from './core/errors.ts';
import type { Host } from './core/host.ts';
import type { Images } from './core/image.ts';
import type { Io } from './core/io.ts';
import type { VmName } from './core/name.ts';
import type { ProjectTree } from './core/project-tree.ts';
import type { Paths, Store } from './core/store.ts';
import type { Templates } from './core/template.ts';
import type { Trace } from './core/trace.ts';
import { drivers } from './drivers/registry.ts';
import { openAgent } from './guest/agent.ts';
import { createGuestSetup } from './guest/setup.ts';
import { makeKey, makeKeys, sshArgv, sshSettings } from './guest/ssh.ts';
import { createHost } from './host/local.ts';
import { createImages } from './images/images.ts';
import { createTemplates } from './images/templates/templates.ts';
import { createAudit } from './store/audit/audit.ts';
import { sweepUserDrafts } from './store/drafts.ts';
import { createPaths } from './store/paths.ts';
import { checkRuntime } from './store/runtime-directory.ts';
import { createStore } from './store/store.ts';
import { removePathUndo } from './store/undo-path.ts';

/**
 * Builds the whole graph: the only place that knows implementations. What is heavy is made at its first use and kept;
 * tests pass `overrides`. To add a driver, see docs/architecture.md.
 */
export function createContext(
  options: { io: Io; startedAt: number; trace: Trace },
  overrides: Partial<Ctx> = {},
): Ctx {
  const host = overrides.host ?? createHost();
  const paths: Paths = overrides.store?.paths ?? createPaths(host);
  const openDriver = memoise(async (name: string) => {
    // A socket is only trusted in a directory that is ours: the runtime may be in a shared temporary one.
    await checkRuntime(host, paths);
    return loadDriver(name, { host, paths });
  });
  const audit = overrides.audit ?? createAudit({ host, paths });
  // What a crash left is settled by whoever comes next, with the graph that one has.
  const graph = (io: Io): Ctx => Object.create(ctx, { io: { value: io, enumerable: true } }) as Ctx;
  const stop = async (machine: { driver: string; name: VmName; grace: number }, io: Io) => {
    const driver = await openDriver(machine.driver);
    await driver.stop(machine.name, io, { grace: machine.grace });
    await driver.remove(machine.name, io);
  };
  const store: Store =
    overrides.store ??
    createStore({
      host,
      paths,
      audit,
      handlers: {
        undo: {
          'remove-path': removePathUndo(host, paths),
          'sweep-drafts': (undo) => sweepUserDrafts(host, undo.directory),
          'release-leases': (undo, io) => store.release(undo.name, io),
          'sync-ports': async (undo, io) =>
            (await import('./ops/forwards.ts')).syncPorts(graph(io), undo.name),
          'sync-keys': async (undo, io) =>
            (await import('./ops/secrets/rotate-key.ts')).syncKeys(graph(io), undo.name),
          'drop-password': async (undo, io) =>
            (await import('./ops/finish-password.ts')).dropPassword(graph(io), undo.name),
          'stop-machine': (undo, io) => stop({ ...undo, grace: 0 }, io),
          'sweep-images': (_, io) => ctx.images.sweep(io),
          'sweep-templates': (_, io) => ctx.templates.sweep(io),
        },
        finish: {
          'write-record': async (finish, io) =>
            (await import('./ops/forwards.ts')).writeRecord(graph(io), finish.record),
          'stop-machine': stop,
          'trash-vm': async (finish, io) =>
            (await import('./ops/delete.ts')).trashVm(graph(io), finish),
          'purge-vm': async (finish, io) =>
            (await import('./ops/delete.ts')).purgeVm(graph(io), finish),
          'end-member': async (finish, io) =>
            (await import('./ops/pool/end.ts')).endMachine(graph(io), finish),
          'restore-vm': (finish, io) => store.restore(finish.name, finish.from, io),
          'rotate-key': async (finish, io) =>
            (await import('./ops/secrets/rotate-key.ts')).finishRotation(graph(io), finish.name),
          'set-password': async (finish, io) =>
            (await import('./ops/finish-password.ts')).finishPassword(graph(io), finish),
          'swap-vm': async (finish, io) =>
            (await import('./ops/swap.ts')).swapVm(graph(io), finish),
        },
      },
    });
  const findFloors = async () => (await import('./ops/floors.ts')).isWrittenByOthers(ctx);
  let images: Images | undefined;
  let templates: Templates | undefined;
  const ctx: Ctx = {
    host,
    store,
    audit,
    trace: options.trace,
    get images() {
      const made = images ?? createImages({ host, paths, findFloors });
      images = made;
      return made;
    },
    get templates() {
      const made = templates ?? createTemplates({ host, paths });
      templates = made;
      return made;
    },
    io: options.io,
    startedAt: options.startedAt,
    driver: openDriver,
    driverNames: Object.keys(drivers),
    openGuest: async (name, driverName) => {
      const known = driverName ?? (await store.read(name))?.plan.driver;
      const driver = await openDriver(known ?? 'qemu');
      return openAgent(host, driver.channels(name).agent);
    },
    setup: createGuestSetup({ host, paths }),
    prepareFirstBoot: async (record) => {
      const own = paths.vm(record.name);
      await makeKeys(host, record, { paths: own, io: options.io });
      if (record.image.setup !== 'cloud-init') return;
      const { writeSeed } = await import('./guest/seed.ts');
      await writeSeed(host, record, { paths: own, io: options.io });
    },
    makeLoginKey: (record, path) =>
      makeKey(host, { path, comment: `clonebox-${record.plan.name}` }, options.io),
    openProject: memoise((directory) => openProject(host, directory)),
    detectors: async () => (await import('./detect/registry.ts')).detectors,
    startEgressProxy: async (start, io) =>
      (await import('./egress/start-proxy.ts')).startEgressProxy(host, start, io),
    startInBackground: async (words) => {
      const { findOwnProgram } = await import('./host/own-program.ts');
      const argv = [process.execPath, await findOwnProgram(host, 'main.js'), ...words];
      const env = { ...host.env, CLONEBOX_CORRELATION: options.trace.correlation };
      await host.files.makeDirectory(dirname(paths.backgroundLog));
      return host.startDaemon(argv, { logFile: paths.backgroundLog, env });
    },
    isProject: async (names) => {
      const { projectReaders } = await import('./detect/project/registry.ts');
      const wanted: readonly { wants(path: string): boolean }[] = projectReaders;
      return names.some((name) => wanted.some((reader) => reader.wants(name)));
    },
    readNeeds: async (directory, io) =>
      (await import('./detect/project/read-needs.ts')).readNeeds(
        await ctx.openProject(directory),
        io,
      ),
    openSecrets: async ({ secretOptions, project }) => {
      const { openSecrets } = await import('./secrets/open-secrets.ts');
      const file = paths.secretSettings;
      const text = await host.files.readText(file);
      const { parseSecretSettings } = await import('./config/secret-settings.ts');
      const own = text === undefined ? {} : parseSecretSettings(text, file);
      const door = project && { path: project, open: () => ctx.openProject(project) };
      return openSecrets(
        { project: secretOptions, own },
        { host, project: door, guestAt: (port) => guestAt(store, port) },
      );
    },
    sshSettings: (record) => sshSettings(record, paths.vm(record.name)),
    sshCommand: (record, sshOptions) =>
      sshArgv(host, record, { ...sshOptions, paths: paths.vm(record.name) }),
    ...overrides,
  };
  return ctx;
}

async function guestAt(store: Store, port: number): Promise<VmName | undefined> {
  for (const name of await store.names()) {
    const record = await store.read(name).catch(() => undefined);
    if (record?.leases.some(({ host }) => host === port)) return name;
  }
  return undefined;
}

async function openProject(host: Host, directory: string): Promise<ProjectTree> {
  const opened = await host.openTree(directory);
  if (opened.kind === 'tree') return opened.tree;
  if (opened.kind === 'link') {
    throw new CloneboxError(
      'refused',
      `${directory} is not what it was: ${opened.link} is a link to ${opened.target} now`,
      { hint: 'Look who has put it there, then try again.', facts: { path: opened.link } },
    );
  }
  throw new CloneboxError('not-found', `the directory ${directory} is gone`, {
    hint: 'Put it back, or name another project.',
    facts: { path: directory },
  });
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
