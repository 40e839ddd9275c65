import { lookup } from 'node:dns/promises';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { parseAllowedHost } from '../core/allowed-host.ts';
import { type EgressSettings, egressFiles } from '../core/egress.ts';
import { createHost } from '../host/local.ts';
import { decide } from './decide.ts';
import { createProxy } from './proxy.ts';
import { createRefusalLog } from './refusals.ts';
import { createUpstream } from './upstream.ts';

// A program of its own, dist/egress-proxy.mjs: the only way out of one VM with `egress: allowlist`. It listens on a
// socket in the VM's runtime directory, and ends with the VM's machine.

const Settings = z.object({
  allow: z.array(z.string()),
  machine: z.object({ pid: z.int(), startTime: z.number() }),
}) satisfies z.ZodType<EgressSettings>;

const [settingsFile = ''] = process.argv.slice(2);
const { allow, machine } = Settings.parse(JSON.parse(readFileSync(settingsFile, 'utf8')));
const { socket } = egressFiles(path.dirname(settingsFile));
const allowed = allow.map(parseAllowedHost);
const upstream = createUpstream(process.env);

const server = createProxy({
  upstream,
  decide: (target) =>
    decide(target, {
      allowed,
      lookup: (host) => lookup(host, { all: true, verbatim: true }),
    }),
  onRefusal: createRefusalLog((line) => process.stdout.write(line), Date.now),
});

process.umask(0o077);
rmSync(socket, { force: true });
server.listen(socket, () => chmodSync(socket, 0o600));

const host = createHost();
const { signal } = new AbortController();
while ((await host.isAlive(machine)) && (await host.files.facts(settingsFile)) !== undefined)
  await host.sleep(1000, signal);
process.exit(0);
