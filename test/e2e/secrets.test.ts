import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContext } from '../../src/context.ts';
import { parseVmName } from '../../src/core/name.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import type { SetupInput } from '../../src/core/setup.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { handOverSecrets, takeSecretsAway } from '../../src/ops/secrets/hand-over.ts';
import { startVault, type VaultServer } from '../fixtures/vault-server.ts';
import {
  type CliOptions,
  type CliResult,
  cache,
  cli,
  freshHome,
  ok,
  scratch,
} from './support/cli.ts';
import { filesWith } from './support/files-with.ts';

/** Of no machine before: the memory of its template is kept anew. In MiB. */
const memory = 1024 + randomInt(1, 512);

const random = () => `canary${randomBytes(12).toString('hex')}`;
const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

/** Secrets on every way into a guest, through the life of one VM. Afterwards they are in its memory, and nowhere else. */
describe('secrets of a VM', () => {
  const home = freshHome();
  const area = scratch();
  const project = path.join(area, 'vault-keeper');
  const secrets = {
    token: random(),
    /** For a service too: everything that systemd would take for something else. */
    odd: `${random()} "q" \\n $HOME \`id\` 'x' %n # =`,
    /** Of Vault. */
    kept: random(),
    lines: `-----BEGIN KEY-----\n${random()}\n-----END KEY-----\n`,
  };
  const env = {
    ...{ CLONEBOX_HOME: home, API_TOKEN: secrets.token, VAULT_TOKEN: 'hvs.good-token' },
    TMPDIR: path.join(area, 'tmp'),
  };
  const told: string[] = [];
  let vault: VaultServer;

  const run = async (args: readonly string[], options: CliOptions = {}): Promise<CliResult> => {
    const result = await cli(args, { env, ...options });
    told.push(`${args[0]}: ${result.stdout}${result.stderr}`);
    return result;
  };
  const inGuest = async (script: string, as = 'root') => {
    const argv = ['exec', project, '--as', as, '--', 'sh', '-c', script];
    const result = await cli(argv, { env });
    expect(result.exitCode, result.stderr).toBe(0);
    return result.stdout.trim();
  };
  const digest = (name: string) =>
    inGuest(`sha256sum < /run/clonebox/secrets/${name} | cut -d' ' -f1`);
  const variable = (name: string) =>
    inGuest(
      `pid=$(systemctl show -p MainPID --value clonebox-run-web); tr '\\0' '\\n' < /proc/$pid/environ | sed -n 's/^${name}=//p' | head -c -1 | sha256sum | cut -d' ' -f1`,
    );

  beforeAll(async () => {
    vault = await startVault();
    vault.state.secrets.set('secret/shop', { password: secrets.kept });
    for (const directory of [project, env.TMPDIR]) mkdirSync(directory, { recursive: true });
    writeFileSync(
      path.join(project, '.clonebox.yaml'),
      `version: '2'
vm: { image: bootstrap:debian:12, cpus: 2, memory: ${memory}M }
run: { web: { command: [sleep, infinity] } }
secrets:
  provider: env
  items:
    API_TOKEN: { service: web }
    ODD: { key: ODD_ONE, service: web, owner: root, mode: '0440' }
    SIGNING_KEY: { path: /run/keys/signing.pem }
    KEPT: { provider: vault, key: shop#password, owner: nobody }
  vault: { address: '${vault.address}' }
`,
    );
    const file = path.join(project, '.clonebox.env');
    const quoted = JSON.stringify(secrets.odd);
    writeFileSync(file, `ODD_ONE=${quoted}\nSIGNING_KEY="${secrets.lines}"\n`, { mode: 0o600 });
  });

  afterAll(() => vault.close());

  it('are not handed to a project that nobody trusts with them', async () => {
    const { exitCode, stderr } = await run(['clone', project, '--run']);
    expect(exitCode).toBe(10);
    expect(stderr).toMatch(/secret: API_TOKEN \(env\)/);
    expect((await run(['secret', 'check', project])).exitCode).toBe(10);
  });

  it('are told by name before anything is made, and where each was found', async () => {
    const { stdout } = await run(['secret', 'check', project, '--trust']);
    expect(stdout).toMatch(/API_TOKEN .*environment/);
    expect(stdout).toMatch(/SIGNING_KEY .*\.clonebox\.env/);
    const listed = (await run(['secret', 'list', project, '--json'])).json<{ secrets: object[] }>();
    expect(listed.secrets).toMatchObject([
      { name: 'API_TOKEN', path: '/run/clonebox/secrets/API_TOKEN', mode: '0400', service: 'web' },
      { name: 'ODD', owner: 'root', mode: '0440' },
      { name: 'SIGNING_KEY', path: '/run/keys/signing.pem' },
      { name: 'KEPT', provider: 'vault', owner: 'nobody' },
    ]);
  });

  it('are in its guest once it is ready, in memory, for those they are for', async () => {
    const made = await run(['clone', project, '--run', '--trust', '--verbose']);
    expect(made.exitCode, made.stderr).toBe(0);
    // The memory of its template was kept on the way, while all of them were at hand.
    expect(made.stderr).toMatch(/^Keeping its memory$/m);
    expect(await digest('API_TOKEN')).toBe(sha256(secrets.token));
    expect(await digest('ODD')).toBe(sha256(secrets.odd));
    expect(await digest('KEPT')).toBe(sha256(secrets.kept));
    expect(await inGuest(`sha256sum < /run/keys/signing.pem | cut -d' ' -f1`)).toBe(
      sha256(secrets.lines),
    );
    const facts = "stat -c '%a %U %n' /run/clonebox/secrets/* /run/keys/signing.pem";
    expect(await inGuest(facts)).toBe(
      `400 ${process.env.SUDO_USER ?? 'root'} /run/clonebox/secrets/API_TOKEN\n400 nobody /run/clonebox/secrets/KEPT\n440 root /run/clonebox/secrets/ODD\n400 ${process.env.SUDO_USER ?? 'root'} /run/keys/signing.pem`,
    );
    expect(await inGuest('stat -f -c %T /run/clonebox/secrets /run/keys')).toBe('tmpfs\ntmpfs');
  });

  it('are variables of the service that they are for, just as they are', async () => {
    expect(await variable('API_TOKEN')).toBe(sha256(secrets.token));
    expect(await variable('ODD')).toBe(sha256(secrets.odd));
  });

  it('are in nothing on this side: no file, no command line, no environment of what runs', async () => {
    await run(['status', project]);
    await run(['exec', project, '--', 'true']);
    await run(['logs', project]);
    await run(['audit', 'export', '--format', 'json']);
    expectNowhere();
    expect(processesWith(home, Object.values(secrets))).toEqual([]);
    expect(processesOf(home)).not.toEqual([]);
  });

  it('are taken away before its memory is kept, and put back anew', async () => {
    const overrides = { host: createHost({ ...process.env, ...env }) };
    const options = { io: quietIo(), startedAt: Date.now(), trace: createTrace({}) };
    const ctx = createContext(options, overrides);
    const name = parseVmName('vault-keeper');
    const record = await ctx.store.read(name);
    if (record === undefined) throw new Error('it has no record');
    // One channel at a time: the commands below have it in between.
    const inside = async (act: (setup: SetupInput) => Promise<void>) => {
      const guest = await ctx.openGuest(name);
      await act({ plan: record.plan, record, guest, shareDriver: '9p' }).finally(guest.close);
    };
    await inside((setup) => takeSecretsAway(ctx, setup));
    const left = 'ls /run/clonebox/secrets /run/keys; grep -c clonebox-secrets /proc/mounts; true';
    expect(await inGuest(left)).toBe('/run/clonebox/secrets:\n\n/run/keys:\n0');
    expect(await inGuest('systemctl is-active clonebox-run-web; true')).toBe('inactive');
    await inside((setup) => handOverSecrets(ctx, setup));
    expect(await digest('API_TOKEN')).toBe(sha256(secrets.token));
    expect(await variable('API_TOKEN')).toBe(sha256(secrets.token));
  });

  it('are the new ones after a rotation, and so is the key that logs in', async () => {
    const before = readFileSync(path.join(home, 'vms/vault-keeper/key.pub'), 'utf8');
    secrets.token = random();
    const rotated = await run(['secret', 'rotate', '--vm', project], {
      env: { ...env, API_TOKEN: secrets.token },
    });
    expect(rotated.exitCode, rotated.stderr).toBe(0);
    expect(await digest('API_TOKEN')).toBe(sha256(secrets.token));
    expect(await variable('API_TOKEN')).toBe(sha256(secrets.token));
    const keys = await inGuest('cat /root/.ssh/authorized_keys');
    const after = readFileSync(path.join(home, 'vms/vault-keeper/key.pub'), 'utf8');
    expect(after).not.toBe(before);
    expect(keys).toBe(after.trim());
    const login = await run(['ssh', project, '--', 'echo', 'in by the new key']);
    expect(login.stdout, login.stderr).toContain('in by the new key');
  });

  it('are handed over again at a restart, and a start without them fails and is taken back', async () => {
    const options = { env: { ...env, API_TOKEN: secrets.token } };
    expect((await run(['restart', project], options)).exitCode).toBe(0);
    expect(await digest('API_TOKEN')).toBe(sha256(secrets.token));
    expect((await run(['stop', project])).exitCode).toBe(0);
    const without = await run(['start', project], { env: { ...env, API_TOKEN: undefined } });
    expect(without.exitCode).toBe(10);
    expect(without.stderr).toMatch(/API_TOKEN/);
    expect(without.stderr).toMatch(/environment[\s\S]*\.clonebox\.env[\s\S]*\.env/);
    const status = await ok(['status', project, '--json'], { env });
    expect(status.json()).toMatchObject({ state: 'stopped' });
    vault.state.mood = 'sealed';
    const sealed = await run(['start', project], options);
    expect(sealed.exitCode, sealed.stderr).toBe(6);
    expect(sealed.stderr).toMatch(/sealed/);
    const after = await ok(['status', project, '--json'], { env });
    expect(after.json()).toMatchObject({ state: 'stopped' });
    vault.state.mood = 'active';
    expectNowhere();
  });

  it('are told of in the audit log, by name', async () => {
    const events = await ok(['audit', 'search', '--event', 'secret.access', '--json'], { env });
    const text = events.stdout;
    for (const name of ['API_TOKEN', 'ODD', 'SIGNING_KEY']) expect(text).toContain(`"${name}"`);
    expect(text).toContain('"outcome": "denied"');
  });

  it('are gone with it', async () => {
    expect((await run(['delete', project, '--purge', '--yes'])).exitCode).toBe(0);
    expectNowhere();
    for (const text of told) for (const canary of canaries()) expect(text).not.toContain(canary);
  });

  /** What cannot be hidden in any quoting. */
  function canaries(): string[] {
    return Object.values(secrets).flatMap((text) => /canary[0-9a-f]{24}/.exec(text) ?? []);
  }

  function expectNowhere(): void {
    const places = [home, env.TMPDIR, '/dev/shm', path.join(cache, 'templates')];
    for (const canary of canaries()) {
      for (const form of [canary, Buffer.from(canary).toString('base64').slice(0, 24)]) {
        expect(filesWith(form, places)).toEqual([]);
      }
    }
  }
});

/** Living processes that have this state directory in their command line. */
function processesOf(home: string): { pid: string; text: string }[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return [];
    const read = (name: string) => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, 'latin1');
      } catch {
        return '';
      }
    };
    const command = read('cmdline');
    return command.includes(home) ? [{ pid, text: `${command}\0${read('environ')}` }] : [];
  });
}

function processesWith(home: string, secrets: readonly string[]): string[] {
  const latin = secrets.map((text) => Buffer.from(text).toString('latin1'));
  return processesOf(home).flatMap(({ pid, text }) =>
    latin.some((secret) => text.includes(secret)) ? [pid] : [],
  );
}
