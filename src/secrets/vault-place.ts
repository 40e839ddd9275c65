import { CloneboxError } from '../core/errors.ts';
import type { SecretDeps } from '../core/secrets.ts';

/**
 * Fails with `refused` when a guest would answer at an address of Vault: it would be sent the user's token. Its ports are on
 * this host's loopback, which has many names.
 */
export async function requireNoGuest(address: string, deps: SecretDeps): Promise<void> {
  const { protocol, hostname, port } = new URL(address);
  const number = Number(port || (protocol === 'https:' ? 443 : 80));
  const guest = await deps.guestAt(number);
  if (guest === undefined || !(await isThisHost(hostname, deps))) return;
  throw new CloneboxError(
    'refused',
    `Vault would be at ${address}, and it is the VM ${guest} that answers there`,
    {
      hint: `Start Vault at another port, or take that one from the VM: clonebox port list ${guest}`,
      facts: { address, vm: guest },
    },
  );
}

async function isThisHost(hostname: string, { host }: SecretDeps): Promise<boolean> {
  const name = hostname.replace(/^\[|\]$/g, '');
  const addresses = /^[\d.]+$|:/.test(name) ? [name] : await host.lookUp(name);
  return addresses.some((one) => /^(127\.|0\.0\.0\.0$|::1?$|::ffff:(127\.|7f))/i.test(one));
}
