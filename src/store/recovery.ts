import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import type { Paths, UnfinishedOperation } from '../core/store.ts';
import { type JournalContent, parseJournal } from './journal-file.ts';
import { removeJournal, type UndoHandlers, undoSteps } from './undo-steps.ts';

interface Place {
  readonly host: Host;
  readonly paths: Paths;
}

interface LeftJournal {
  readonly id: string;
  readonly file: string;
  readonly content: JournalContent;
}

/**
 * The operations whose process is gone, or gave up in the middle of its rollback, newest first; of one VM or of
 * all. Removes journals on its way that were committed, or died before their first line was whole.
 */
export async function unfinishedOperations(
  place: Place,
  vm?: VmName,
): Promise<UnfinishedOperation[]> {
  return (await leftJournals(place, vm)).map(describe);
}

/**
 * Takes back what a crash left of a VM, the newest operation first, and returns the operations. Call it with the
 * VM's lock. Fails with `conflict` when something could not be taken back; that stays in the journal, and this
 * may be called again.
 */
export async function recoverVm(
  { host, paths, handlers, vm }: Place & { readonly handlers: UndoHandlers; readonly vm: VmName },
  io: Io,
): Promise<readonly UnfinishedOperation[]> {
  const journals = await leftJournals({ host, paths }, vm);
  const failures: string[] = [];
  let firstError: unknown;
  for (const { file, content } of journals) {
    io.signal.throwIfAborted();
    const outcome = await undoSteps({ host, handlers, file }, content, io);
    failures.push(...outcome.failures);
    firstError ??= outcome.firstError;
  }
  if (failures.length === 0) return journals.map(describe);
  throw new CloneboxError(
    'conflict',
    `an interrupted operation of VM ${vm} could not be undone: ${failures[0]}`,
    {
      hint: `Remove the cause and try again: clonebox recover ${vm}`,
      facts: { vm, failures, journals: journals.map(({ file }) => file) },
      cause: firstError,
    },
  );
}

/** Forgets what is left to undo of a VM that is gone for good. */
export async function forgetJournals(place: Place, vm: VmName): Promise<void> {
  for (const { file } of await leftJournals(place, vm)) await removeJournal(place.host, file);
}

function describe({ id, content }: LeftJournal): UnfinishedOperation {
  const { operation, vm } = content.header;
  return { id, operation, vm, lastStep: content.steps.at(-1)?.title ?? 'begin' };
}

async function leftJournals({ host, paths }: Place, vm?: VmName): Promise<LeftJournal[]> {
  const left: LeftJournal[] = [];
  for (const entry of (await host.files.list(paths.journal)).toSorted().toReversed()) {
    if (!/^[0-9].*\.jsonl$/.test(entry)) continue;
    const file = `${paths.journal}/${entry}`;
    const text = await host.files.readText(file);
    if (text === undefined) continue;
    const content = parseJournal(text);
    if (content === undefined) {
      // No step is written before the header is whole, so there is nothing to undo.
      if (!text.includes('\n')) await removeJournal(host, file);
      continue;
    }
    const { header } = content;
    if (vm !== undefined && header.vm !== vm) continue;
    if (content.isCommitted) {
      if (!(await host.isAlive(header))) await removeJournal(host, file);
      continue;
    }
    if (header.abandoned || !(await host.isAlive(header))) {
      left.push({ id: entry.slice(0, -'.jsonl'.length), file, content });
    }
  }
  return left;
}
