import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { VmName } from '../../core/name.ts';
import type { SetupInput } from '../../core/setup.ts';
import { changeVm, operation } from '../operation.ts';
import { loadVm, named } from '../target.ts';
import { handOverSecrets } from './hand-over.ts';
import type { SecretInput } from './list.ts';

export interface Rotated {
  readonly vm: VmName;
  /** The public half of the new key, as in `key.pub`. */
  readonly publicKey: string;
  /** Secrets that were fetched and handed over anew. */
  readonly secrets: readonly string[];
}

/**
 * Gives a running VM a new ssh key in the place of the old one, and fetches and hands over its secrets anew. Until the
 * new key is in its place the old one goes on to be let in; when the process dies just after that, the old one is let in
 * until the next rotation. Fails with `conflict` when the VM does not run.
 */
export function rotateSecrets(ctx: Ctx, input: SecretInput): Promise<Rotated> {
  const begin = { event: 'secret.rotate', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const { name } = await loadVm(op.ctx, input.target, input.cwd);
    return changeVm(op, name, async (journal) => {
      const record = await loadVm(op.ctx, name, input.cwd);
      const { files } = op.ctx.host;
      const { setup, io } = op.ctx;
      const paths = op.ctx.store.paths.vm(name);
      const inside = await insideOf(op.ctx, record);
      try {
        io.emit({ kind: 'phase', id: 'key', title: 'Changing the ssh key' });
        const fresh = paths.nextKey;
        const publicKey = await journal.step(
          'its new key',
          { kind: 'remove-path', path: fresh },
          async () => {
            await files.makeDirectory(fresh);
            return op.ctx.makeLoginKey(record, `${fresh}/key`);
          },
        );
        const old = ((await files.readText(paths.publicKey)) ?? '').trim();
        await setup.authorize(inside, [publicKey, old], io);
        await files.rename(`${fresh}/key`, paths.key);
        await files.rename(`${fresh}/key.pub`, paths.publicKey);
        await journal.commit();
        await setup.authorize(inside, [publicKey], io);
        await files.remove(fresh);
        await handOverSecrets(op.ctx, inside);
        const secrets = record.plan.secrets.map((one) => one.name);
        op.note({ secrets });
        return { vm: name, publicKey, secrets };
      } finally {
        await inside.guest.close();
      }
    });
  });
}

async function insideOf(ctx: Ctx, record: SetupInput['record']): Promise<SetupInput> {
  const { name, plan } = record;
  const driver = await ctx.driver(plan.driver);
  const started = await driver.running(name);
  if (started === undefined) {
    throw new CloneboxError('conflict', `${name} does not run: its key is in its guest, too`, {
      hint: `Start it first: clonebox start ${name}`,
      facts: { vm: name },
    });
  }
  return { plan, record, guest: await ctx.openGuest(name), shareDriver: started.shareDriver };
}
