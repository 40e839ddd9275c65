import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { VmName } from '../../core/name.ts';
import type { VmRecord } from '../../core/record.ts';
import type { SetupInput } from '../../core/setup.ts';
import type { Journal } from '../../core/store.ts';
import { requireRunning } from '../exec.ts';
import { changeVm, operation } from '../operation.ts';
import { openInside } from '../reach-guest.ts';
import { loadVm, named } from '../target.ts';
import { deliver, fetchSecrets } from './hand-over.ts';
import type { SecretInput } from './list.ts';
import { closeRotation, putInPlace } from './rotate-key.ts';

export interface Rotated {
  readonly vm: VmName;
  /** The public half of the new key, as in `key.pub`. */
  readonly publicKey: string;
  /** Secrets that were fetched and handed over anew. */
  readonly secrets: readonly string[];
}

/**
 * Gives a running VM a new ssh key in the place of the old one, and fetches and hands over its secrets anew. At each
 * moment the key that is in its place logs in. Secrets that cannot be fetched, or a guest that does not answer, change
 * nothing. Fails with `conflict` when the VM does not run.
 */
export function rotateSecrets(ctx: Ctx, input: SecretInput): Promise<Rotated> {
  const begin = { event: 'secret.rotate', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const { name } = await loadVm(op.ctx, input.target, input.cwd);
    return changeVm(op, name, async (journal) => {
      const record = await loadVm(op.ctx, name, input.cwd);
      const inside = await openRunning(op.ctx, record);
      try {
        const values = await fetchSecrets(op.ctx, inside);
        const publicKey = await rotateKey(op.ctx, inside, journal);
        await deliver(op.ctx, inside, values);
        const secrets = record.plan.secrets.map((one) => one.name);
        op.note({ secrets });
        return { vm: name, publicKey, secrets };
      } finally {
        await inside.guest.close();
      }
    });
  });
}

/** A new key in the place of the old one. Once the guest lets it in, it is decided. */
async function rotateKey(ctx: Ctx, inside: SetupInput, journal: Journal): Promise<string> {
  const { name } = inside.record;
  const { files } = ctx.host;
  const paths = ctx.store.paths.vm(name);
  ctx.io.emit({ kind: 'phase', id: 'key', title: 'Changing the ssh key' });
  // What an earlier one had to leave undone.
  await closeRotation(ctx, inside, ctx.io);
  const publicKey = await journal.step(
    'its new key',
    { kind: 'remove-path', path: paths.nextKey },
    async () => {
      await files.makeDirectory(paths.nextKey);
      return ctx.makeLoginKey(inside.record, `${paths.nextKey}/key`);
    },
  );
  const old = ((await files.readText(paths.publicKey)) ?? '').trim();
  await journal.step('let in', { kind: 'sync-keys', name }, () =>
    ctx.setup.authorize(inside, [publicKey, old], ctx.io),
  );
  await journal.finish('in its place', { kind: 'rotate-key', name }, async () => {
    await putInPlace(ctx, name);
    await closeRotation(ctx, inside, ctx.io);
  });
  return publicKey;
}

async function openRunning(ctx: Ctx, record: VmRecord): Promise<SetupInput> {
  await requireRunning(ctx, record);
  const inside = await openInside(ctx, record);
  if (inside !== undefined) return inside;
  throw new CloneboxError('conflict', `${record.name} has stopped`, { facts: { vm: record.name } });
}
