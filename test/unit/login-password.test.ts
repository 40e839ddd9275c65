import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ctx } from '../../src/core/ctx.ts';
import type { PlannedAuth } from '../../src/core/plan.ts';
import { createSecret } from '../../src/core/secret.ts';
import type { PasswordChange } from '../../src/core/setup.ts';
import { createHost } from '../../src/host/local.ts';
import type { Booted } from '../../src/ops/boot.ts';
import { requireTerminal, setLoginPassword, showPassword } from '../../src/ops/login-password.ts';
import { openSecrets } from '../../src/secrets/open-secrets.ts';
import { createOperationBed, type OperationBed } from '../fixtures/operation-bed.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

let bed: OperationBed;
let changes: PasswordChange[];
let ctx: Ctx;

beforeEach(() => {
  bed = createOperationBed();
  changes = [];
  const setPassword = async (_: unknown, change: PasswordChange) => void changes.push(change);
  const host = createHost({ VM_PASSWORD: 'correct horse' });
  const openSecretsHere = async () =>
    openSecrets(
      { project: {}, own: {} },
      { host, project: undefined, guestAt: async () => undefined },
    );
  ctx = Object.create(bed.context(), {
    setup: { value: { setPassword } },
    openSecrets: { value: openSecretsHere },
  }) as Ctx;
});
afterEach(() => bed.remove());

function recordWith(auth: Partial<PlannedAuth>) {
  const record = recordOf(web, [{ name: 'ssh', guest: 22, host: 22017 }]);
  const user = { name: 'me', uid: 1000, gid: 1000, shell: '/bin/sh' };
  const plan = { ...record.plan, user, auth: { method: 'ssh_key', keys: [], ...auth } as const };
  return { ...record, plan };
}
const set = (auth: Partial<PlannedAuth>) =>
  setLoginPassword(ctx, { record: recordWith(auth) } as unknown as Booted);

describe('the password of a new VM', () => {
  it('is none where keys log in', async () => {
    expect(await set({})).toBeUndefined();
    expect({ changes, told: bed.told() }).toEqual({ changes: [], told: [] });
  });

  it('is made up where it is for once, must be changed, and is told by its being alone', async () => {
    const password = await set({ method: 'one_time_password' });
    expect(changes).toEqual([{ user: 'me', password, expire: true, ssh: true }]);
    expect(bed.told()).toMatchObject([
      {
        event: 'auth.password.generated',
        outcome: 'success',
        target: { type: 'vm', name: web },
        details: { user: 'me', expire: true },
      },
    ]);
    const kept = JSON.stringify([bed.told(), bed.log, bed.emitted]);
    expect(kept).not.toContain(password?.reveal() ?? '?');
    const another = await set({ method: 'one_time_password' });
    expect(another?.reveal()).not.toBe(password?.reveal());
  });

  it('is the secret that the file names, to be kept and not shown', async () => {
    const password = { key: 'VM_PASSWORD', provider: 'auto' };
    expect(await set({ method: 'password', password })).toBeUndefined();
    expect(changes[0]?.password?.reveal()).toBe('correct horse');
    expect(changes[0]).toMatchObject({ expire: false, ssh: true });
    expect(bed.told().map(({ event }) => event)).toEqual(
      expect.arrayContaining(['auth.password.changed', 'secret.access']),
    );
  });

  it('is not made where nobody has the secret', async () => {
    const password = { key: 'NOT_THERE', provider: 'env' };
    await expect(set({ method: 'password', password })).rejects.toMatchObject({ code: 'refused' });
    expect(changes).toEqual([]);
  });
});

describe('a one-time password', () => {
  it('is only for where somebody sees it', () => {
    const { plan } = recordWith({ method: 'one_time_password' });
    expect(() => requireTerminal(plan, undefined)).toThrow(/no terminal to show the password on/);
    requireTerminal(plan, () => {});
    requireTerminal(recordWith({}).plan, undefined);
  });

  it('is shown with the ways to use it', () => {
    const lines: string[] = [];
    const show = (more: readonly string[]) => void lines.push(...more);
    showPassword(recordWith({}), undefined, show);
    expect(lines).toEqual([]);
    showPassword(recordWith({}), createSecret('hush-hush'), show);
    expect(lines.filter((line) => line.includes('hush-hush'))).toEqual(['    hush-hush']);
    expect(lines.join('\n')).toContain('ssh -p 22017 me@127.0.0.1');
  });
});
