import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Paths, Store } from '../core/store.ts';
import { imageDigests } from './image-digests.ts';
import { openJournal } from './journal.ts';
import { leasePorts, releasePorts } from './leases.ts';
import { vmLockFile, withVmLock } from './locks.ts';
import { readRecord, recordNames, writeRecord } from './records.ts';
import { recoverVm, unfinishedOperations } from './recovery.ts';
import { createTrashPlace, emptyTrash, purgeVm, trashVm } from './trash.ts';
import type { UndoHandlers } from './undo-steps.ts';

/** What a store is made of. */
export interface StoreOptions {
  readonly host: Host;
  readonly paths: Paths;
  /** How each kind of step is taken back, now or by a later process. */
  readonly undoHandlers: UndoHandlers;
}

/** What is on disk about VMs, as `Store` promises. Touches nothing until it is asked to. */
export function createStore({ host, paths, undoHandlers }: StoreOptions): Store {
  const place = { host, paths };
  const handlers = undoHandlers;
  const trashPlace = createTrashPlace(place);
  return {
    paths,
    read: (name) => readRecord(host, paths, name),
    write: (record) => writeRecord(host, paths, record),
    names: () => recordNames(host, paths),
    imageDigests: () => imageDigests(place),
    withLock: (name, io, action) => withVmLock({ ...place, name }, io, action),
    isLocked: (name) => host.isLocked(vmLockFile(paths, name)),
    lease: (name, wanted, io) => leasePorts({ ...place, name }, wanted, io),
    release: (name, io, guestPorts) => releasePorts({ ...place, name }, io, guestPorts),
    beginJournal: async (operation, vm) => {
      // Undone later, it would take away what the new operation makes.
      const [left] = await unfinishedOperations(place, vm);
      if (left === undefined) return openJournal({ ...place, handlers }, operation, vm);
      throw new CloneboxError(
        'conflict',
        `${left.operation} of VM ${vm} was interrupted and is not undone yet`,
        { hint: `Undo it: clonebox recover ${vm}`, facts: { vm, unfinished: left } },
      );
    },
    unfinished: (vm) => unfinishedOperations(place, vm),
    recover: (vm, io) => recoverVm({ ...place, handlers, vm }, io),
    trashPlace,
    trash: (name, target) => trashVm(place, name, target),
    emptyTrash: (age) => emptyTrash(place, age),
    purge: (name) => purgeVm({ ...place, trashPlace }, name),
  };
}
