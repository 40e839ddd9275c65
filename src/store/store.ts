import type { Audit } from '../core/audit.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Paths, Store } from '../core/store.ts';
import { draftPlaces, sweepDrafts } from './drafts.ts';
import { imageDigests } from './image-digests.ts';
import { openJournal } from './journal.ts';
import { leasePorts, releasePorts, syncLeases } from './leases.ts';
import { vmLockFile, withVmLock } from './locks.ts';
import { forgetMember, members } from './members.ts';
import { readRecord, recordNames, writeRecord } from './records.ts';
import { forgetJournals, recoverVm, unfinishedOperations } from './recovery.ts';
import { rememberShared, wasShared } from './shared.ts';
import {
  createTrashPlace,
  emptyTrash,
  listTrash,
  purgeVm,
  restoreVm,
  swapVm,
  trashVm,
} from './trash.ts';
import { isTrusted, rememberTrust } from './trust.ts';
import type { FinishHandlers, UndoHandlers } from './undo-steps.ts';

/** What a store is made of. */
export interface StoreOptions {
  readonly host: Host;
  readonly paths: Paths;
  readonly audit: Audit;
  /** How each kind of step is taken back, and each kind of decision finished, now or by a later process. */
  readonly handlers: { readonly undo: UndoHandlers; readonly finish: FinishHandlers };
}

/** What is on disk about VMs, as `Store` promises. Touches nothing until it is asked to. */
export function createStore({ host, paths, audit, handlers }: StoreOptions): Store {
  const place = { host, paths };
  const recovery = { ...place, audit, handlers };
  const trashPlace = createTrashPlace(place);
  return {
    paths,
    read: (name) => readRecord(host, paths, name),
    write: (record) => writeRecord(host, paths, record),
    names: () => recordNames(host, paths),
    members: () => members(place),
    forgetMember: (name) => forgetMember(place, name),
    imageDigests: () => imageDigests(place),
    withLock: (name, io, action) => withVmLock({ ...place, name }, io, action),
    isLocked: (name) => host.isLocked(vmLockFile(paths, name)),
    lease: (name, wanted, io) => leasePorts({ ...place, name }, wanted, io),
    release: (name, io, guestPorts) => releasePorts({ ...place, name }, io, guestPorts),
    syncLeases: (name, io) => syncLeases({ ...place, name }, io),
    beginJournal: async (facts, vm) => {
      // Undone later, it would take away what the new operation makes.
      const [left] = vm === undefined ? [] : await unfinishedOperations(recovery, { vm });
      if (left === undefined) return openJournal({ ...place, handlers: handlers.undo }, facts, vm);
      throw new CloneboxError(
        'conflict',
        `${left.operation} of VM ${vm} was interrupted and is not undone yet`,
        { hint: `Undo it: clonebox recover ${vm}`, facts: { vm, unfinished: left } },
      );
    },
    unfinished: (vm) => unfinishedOperations(recovery, vm === undefined ? 'all' : { vm }),
    recover: async (vm, io) => {
      await sweepDrafts(host, draftPlaces(paths, vm));
      return recoverVm(recovery, { vm }, io);
    },
    forget: (vm) => forgetJournals(recovery, vm),
    isTrusted: (entry) => isTrusted(place, entry),
    rememberTrust: (entry, io) => rememberTrust(place, entry, io),
    rememberShared: (directories, io) => rememberShared(place, directories, io),
    wasShared: () => wasShared(place),
    trashPlace,
    trash: (name, target) => trashVm(place, name, target),
    listTrash: () => listTrash(place),
    restore: (name, from, io) => restoreVm({ ...place, name }, from, io),
    swap: (swap, io) => swapVm(place, swap, io),
    emptyTrash: (age) => emptyTrash(place, age),
    purge: (name) => purgeVm({ ...place, audit, trashPlace }, name),
  };
}
