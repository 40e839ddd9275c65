import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, freshHome, ok, processesWith, scratch } from './support/cli.ts';
import { expectFailure } from './support/traces.ts';

interface Vm {
  name: string;
  state: string;
  ports: { name: string; guest: number; host: number }[];
  network: { hostIsolated: boolean; egress: string; refusals: string | null } | null;
}

/** An address of this machine that is not its loopback: what a guest sends there has left its network. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
const missing = outside === undefined ? ' (not here: no address but the loopback)' : '';

/** Serves, and keeps what it was asked for: no guest can lie about what has arrived. */
async function serve(address: string): Promise<{ server: Server; port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(`from ${address}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return { server, port: (server.address() as AddressInfo).port, asked };
}

/** A line of bash that asks a server for a path and prints the answer; it fails when there is none. */
const ask = (address: string, port: number, where: string) =>
  `exec 3<>/dev/tcp/${address}/${port} && printf 'GET ${where} HTTP/1.0\\r\\n\\r\\n' >&3 && timeout 10 cat <&3`;

/** The whole life of one VM, in order: each test stands on the one before. */
describe.skipIf(outside === undefined)(`a VM with egress: none${missing}`, () => {
  const home = freshHome();
  const env = { CLONEBOX_HOME: home };
  const project = path.join(scratch(), 'caged');
  const file = path.join(project, '.clonebox.yaml');
  let there: Awaited<ReturnType<typeof serve>>;
  let onLoopback: Awaited<ReturnType<typeof serve>>;
  let vm: Vm;

  const guest = (line: string) =>
    cli(['exec', 'caged', '--', 'timeout', '20', 'bash', '-c', line], { env });
  const status = async () => (await ok(['status', 'caged', '--json'], { env })).json<Vm>();
  const web = async () => {
    const port = vm.ports.find(({ name }) => name === 'web')?.host;
    return (await fetch(`http://127.0.0.1:${port}/`)).text();
  };

  function write(network: string): void {
    const outsideUrl = ask(outside ?? '', there.port, '/provision');
    writeFileSync(
      file,
      `version: '2'
vm: { name: caged, cpus: 2, memory: 512M }
network: ${network}
provision:
  - run: |
      ${outsideUrl} | grep 'from ${outside}'
post_commands: ["${ask(outside ?? '', there.port, '/post').replaceAll('\\', '\\\\')}"]
run: { web: { command: [perl, web.pl], port: 8000 } }
`,
    );
  }

  beforeAll(async () => {
    there = await serve(outside ?? '');
    onLoopback = await serve('127.0.0.1');
    mkdirSync(project);
    // It tries to reach out as soon as it is started, and answers with what came of it.
    writeFileSync(
      path.join(project, 'web.pl'),
      `use IO::Socket::INET;
my $out = IO::Socket::INET->new(PeerAddr => '${outside}:${there.port}', Timeout => 5);
print $out "GET /workload HTTP/1.0\\r\\n\\r\\n" if $out;
my $said = $out ? 'out' : 'in';
my $server = IO::Socket::INET->new(LocalPort => 8000, Listen => 5, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
  <$client>;
  print $client "HTTP/1.0 200 OK\\r\\n\\r\\n$said\\n";
  close $client;
}
`,
    );
    write(`{ egress: none, host_ports: [${onLoopback.port}] }`);
    const words = ['clone', project, '--run', '--trust', '--json'];
    const made = await ok(words, { env, timeout: 900_000 });
    expect(made.stderr).toMatch(
      /Running post_commands.*Closing the network \(egress: none\).*own commands/s,
    );
    vm = made.json<{ vm: Vm }>().vm;
  });
  afterAll(() => {
    there.server.close();
    onLoopback.server.close();
  });

  /** Nothing arrives, by whatever way, while the ports of the VM go on. */
  async function expectClosed(): Promise<void> {
    const before = there.asked.length;
    const tries = [
      ask(outside ?? '', there.port, '/exec'),
      ask('10.0.2.2', onLoopback.port, '/gateway'),
      `sudo ip addr add 10.0.2.99/24 dev eth0; ${ask(outside ?? '', there.port, '/other')}`,
      'getent ahostsv4 example.com',
      'getent ahostsv4 example.org',
    ];
    for (const line of tries) {
      const result = await guest(line);
      expect(result.exitCode, `${line}\n${result.stdout}`).not.toBe(0);
    }
    expect(there.asked.slice(before)).toEqual([]);
    expect(onLoopback.asked).not.toContain('/gateway');
    expect(await web()).toBe('in\n');
    expect((await status()).network).toMatchObject({ egress: 'none', hostIsolated: true });
  }

  it('has reached out while it was made, and not since', async () => {
    expect(there.asked).toEqual(['/provision', '/post']);
    await expectClosed();
    const people = await ok(['status', 'caged'], { env });
    expect(people.stdout).toContain('egress: none');
  });

  it('reaches the port of this host that it was given', async () => {
    const result = await guest(ask('127.0.0.1', onLoopback.port, '/given'));
    expect(result.stdout, result.stderr).toContain('from 127.0.0.1');
  });

  it('can be logged in to, and given files', async () => {
    expect((await ok(['ssh', 'caged', '--', 'echo', 'in'], { env })).stdout).toBe('in\n');
    writeFileSync(path.join(project, 'note'), 'for the guest\n');
    expect((await ok(['exec', 'caged', '--', 'cat', 'note'], { env })).stdout).toBe(
      'for the guest\n',
    );
  });

  it('is closed from the first moment of every later start', async () => {
    await ok(['stop', 'caged'], { env });
    const before = there.asked.length;
    await ok(['start', 'caged'], { env });
    expect(processesWith(`${home}/`).filter((line) => /passt /.test(line))).toEqual([]);
    await expectClosed();
    expect(there.asked.length).toBe(before);
  });

  it('is not let out by its own file without a word of its user', async () => {
    const own = readFileSync(file, 'utf8');
    // As the guest can: the file is in the shared directory.
    await ok(
      ['exec', 'caged', '--', 'sed', '-i', 's/egress: none/egress: full/', '.clonebox.yaml'],
      { env },
    );
    expect(readFileSync(file, 'utf8')).not.toBe(own);
    expectFailure(await cli(['clone', project, '--apply', '--yes'], { env }), {
      ...{ exit: 10, code: 'refused', hint: /--trust/ },
      says: [/everything \(egress: full\), instead of egress: none/],
    });
    expect((await ok(['clone', project, '--apply', '--trust'], { env })).stderr).toMatch(
      /network.egress.* will be in force at the next start/,
    );
    await expectClosed();
  });

  it('is open once it was started with that', async () => {
    await ok(['restart', 'caged'], { env });
    expect((await status()).network).toMatchObject({ egress: 'full' });
    const result = await guest(ask(outside ?? '', there.port, '/let-out'));
    expect(result.stdout, result.stderr).toContain(`from ${outside}`);
  });
});

/** A line of bash that asks the proxy of an allow-list, as any program does that knows the variables. */
const byProxy = (request: string) =>
  `exec 3<>/dev/tcp/127.0.0.1/\${http_proxy##*:} && printf '${request}' >&3 && timeout 10 cat <&3`;

/** As above: one VM, in order. */
describe.skipIf(outside === undefined)(`a VM with egress: allowlist${missing}`, () => {
  const home = freshHome();
  // What would lead this machine's own way out elsewhere.
  const own = { http_proxy: '', https_proxy: '', HTTP_PROXY: '', HTTPS_PROXY: '', no_proxy: '' };
  const env = { CLONEBOX_HOME: home, ...own };
  const project = path.join(scratch(), 'leashed');
  const file = path.join(project, '.clonebox.yaml');
  let permitted: Awaited<ReturnType<typeof serve>>;
  let other: Awaited<ReturnType<typeof serve>>;
  let vm: Vm;

  const guest = (line: string) =>
    cli(['exec', 'leashed', '--', 'timeout', '20', 'bash', '-c', line], { env });
  const status = async () => (await ok(['status', 'leashed', '--json'], { env })).json<Vm>();
  const web = async () => {
    const port = vm.ports.find(({ name }) => name === 'web')?.host;
    return (await fetch(`http://127.0.0.1:${port}/`)).text();
  };
  const proxies = () =>
    processesWith(`${home}/`).filter((line) => line.includes('egress-proxy.mjs'));

  const write = (network: string) =>
    writeFileSync(
      file,
      `version: '2'
vm: { name: leashed, cpus: 2, memory: 512M }
network: ${network}
provision: [{ run: "${ask(outside ?? '', other.port, '/provision').replaceAll('\\', '\\\\')}" }]
run: { web: { command: [perl, web.pl], port: 8000 } }
`,
    );

  beforeAll(async () => {
    permitted = await serve(outside ?? '');
    other = await serve(outside ?? '');
    mkdirSync(project);
    // It goes out by the variables it was given, and answers with what it heard.
    writeFileSync(
      path.join(project, 'web.pl'),
      `use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 8000, Listen => 5, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
  <$client>;
  my ($place) = ($ENV{http_proxy} // '') =~ m{//(.*)};
  my $out = $place ? IO::Socket::INET->new(PeerAddr => $place, Timeout => 5) : undef;
  print $out "GET http://${outside}:${permitted.port}/unit HTTP/1.0\\r\\n\\r\\n" if $out;
  print $client "HTTP/1.0 200 OK\\r\\n\\r\\n", $out ? join('', <$out>) : "no way out\\n";
  close $client;
}
`,
    );
    write(`{ egress: allowlist, allow: ['${outside}:${permitted.port}'] }`);
  });
  afterAll(() => {
    permitted.server.close();
    other.server.close();
  });

  it('asks before a project reaches the hosts of its list', async () => {
    expectFailure(await cli(['clone', project, '--yes'], { env }), {
      ...{ exit: 10, code: 'refused', hint: /--trust/ },
      says: [`network host: ${outside}:${permitted.port}`],
    });
  });

  it('is made with an open network, which is then closed', async () => {
    const made = await ok(['clone', project, '--run', '--trust', '--json'], {
      env,
      timeout: 900_000,
    });
    expect(made.stderr).toMatch(
      /provisioning steps.*Closing the network \(egress: allowlist\).*own commands/s,
    );
    vm = made.json<{ vm: Vm }>().vm;
    expect(other.asked).toEqual(['/provision']);
    expect(vm.network).toMatchObject({ egress: 'allowlist', hostIsolated: true });
    expect(proxies()).toHaveLength(1);
  });

  async function expectLeashed(): Promise<void> {
    const [there, elsewhere] = [`${outside}:${permitted.port}`, `${outside}:${other.port}`];
    const before = other.asked.length;
    const plain = await guest(byProxy(`GET http://${there}/plain HTTP/1.0\\r\\n\\r\\n`));
    expect(plain.stdout, plain.stderr).toContain(`from ${outside}`);
    const tunnel = await guest(
      byProxy(`CONNECT ${there} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nGET /tunnel HTTP/1.0\\r\\n\\r\\n`),
    );
    expect(tunnel.stdout, tunnel.stderr).toMatch(/^HTTP\/1\.1 200 .*from /s);
    expect(permitted.asked).toEqual(expect.arrayContaining(['/plain', '/tunnel']));

    for (const request of [
      `GET http://${elsewhere}/plain HTTP/1.0\\r\\n\\r\\n`,
      `CONNECT ${elsewhere} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n`,
      `GET http://127.0.0.1:${other.port}/ HTTP/1.0\\r\\n\\r\\n`,
      'CONNECT example.org:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n',
    ]) {
      const refused = await guest(byProxy(request));
      expect(refused.stdout, refused.stderr).toMatch(/^HTTP\/1\.1 403 .*not in network\.allow/s);
    }
    for (const line of [
      ask(outside ?? '', permitted.port, '/direct'),
      ask(outside ?? '', other.port, '/direct'),
      'getent ahostsv4 example.org',
    ])
      expect((await guest(line)).exitCode, line).not.toBe(0);
    expect(other.asked.slice(before)).toEqual([]);
    expect(permitted.asked).not.toContain('/direct');
    expect(await web()).toContain(`from ${outside}`);
    expect(permitted.asked).toContain('/unit');
  }

  it('lets one place through and no other, by its proxy alone', async () => {
    await expectLeashed();
    const { network } = await status();
    const refusals = readFileSync(network?.refusals ?? '', 'utf8');
    expect(refusals).toContain(
      `refused CONNECT ${outside}:${other.port}: is not in network.allow\n`,
    );
    expect(refusals).toContain('refused CONNECT example.org:443');
    expect((await ok(['status', 'leashed'], { env })).stdout).toContain('egress: allowlist');
  });

  it('tells logins, root and apt the way', async () => {
    const proxy = 'http://127.0.0.1:3128';
    const login = await ok(
      ['ssh', 'leashed', '--', 'bash', '-lc', '"printenv https_proxy HTTP_PROXY"'],
      { env },
    );
    expect(login.stdout).toBe(`${proxy}\n${proxy}\n`);
    const root = await ok(['exec', 'leashed', '--as', 'root', '--', 'printenv', 'https_proxy'], {
      env,
    });
    expect(root.stdout).toBe(`${proxy}\n`);
    const apt = await ok(['exec', 'leashed', '--', 'apt-config', 'dump'], { env });
    expect(apt.stdout).toContain(`Acquire::http::Proxy "${proxy}";`);
  });

  it('is as it was after a restart, with a proxy of its own', async () => {
    const [before] = proxies();
    await ok(['restart', 'leashed'], { env });
    expect(proxies()).toHaveLength(1);
    expect(proxies()[0]).not.toBe(before);
    await expectLeashed();
  });

  it('is closed altogether from the start after its file said so, and knows of no proxy', async () => {
    write('{ egress: none }');
    await ok(['clone', project, '--apply'], { env });
    expect((await status()).network).toMatchObject({ egress: 'allowlist' });
    await ok(['restart', 'leashed'], { env });
    expect((await status()).network).toMatchObject({ egress: 'none', refusals: null });
    expect(proxies()).toEqual([]);
    expect((await guest('printenv http_proxy')).exitCode).toBe(1);
    const login = await cli(['ssh', 'leashed', '--', 'bash', '-lc', '"printenv https_proxy"'], {
      env,
    });
    expect(login.stdout).toBe('');
    expect(await web()).toBe('no way out\n');
    expect((await guest(ask(outside ?? '', permitted.port, '/direct'))).exitCode).not.toBe(0);
  });

  it("goes through this host's own proxy where there is one", async () => {
    write(`{ egress: allowlist, allow: ['${outside}:${permitted.port}', '192.0.2.9'] }`);
    await ok(['clone', project, '--apply', '--trust'], { env });
    const asked: string[] = [];
    const ours = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
      response.end('from the proxy of the host\n');
    });
    await new Promise<void>((resolve) => ours.listen(0, '127.0.0.1', resolve));
    const { port } = ours.address() as AddressInfo;
    const upstream = { http_proxy: `http://me:word@127.0.0.1:${port}`, no_proxy: outside };
    await ok(['restart', 'leashed'], { env: { ...env, ...upstream } });
    const far = await guest(byProxy('GET http://192.0.2.9/x HTTP/1.0\\r\\n\\r\\n'));
    ours.close();
    expect(far.stdout, far.stderr).toContain('from the proxy of the host');
    const basic = Buffer.from('me:word').toString('base64');
    expect(asked).toEqual([`http://192.0.2.9:80/x Basic ${basic}`]);
    expect(await web()).toContain(`from ${outside}`);
  });

  it('has no proxy left when its machine was killed', async () => {
    expect(proxies()).toHaveLength(1);
    const { pid } = (await ok(['status', 'leashed', '--json'], { env })).json<{ pid: number }>();
    process.kill(pid, 'SIGKILL');
    await expect.poll(proxies, { timeout: 20_000 }).toEqual([]);
  });
});
