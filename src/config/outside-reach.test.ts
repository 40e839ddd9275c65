// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax.
import { describe, expect, it } from 'vitest';
import type { VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import { outsideReach, widerEgress } from './outside-reach.ts';
import { parseConfig } from './parse-config.ts';
import { resolvePlan } from './resolve-plan.ts';

const home = '/home/me';
const examplePlan = resolvePlan({
  config: parseConfig('version: 2', 'x'),
  configFile: undefined,
  project: '/home/me/app',
  overrides: {},
  hostUser: { name: 'me', uid: 1000, gid: 1000, home, shell: '/bin/bash' },
  cpuCount: 2,
  env: {},
  defaultName: 'app' as VmName,
  home,
});
const reach = (changed: Partial<VmPlan>) => outsideReach({ ...examplePlan, ...changed }, home);

describe('outsideReach', () => {
  it('is nothing for a plan that keeps to its project', () => {
    const inside = { host: '/home/me/app/lib', guest: '/lib2', mode: 'rw' } as const;
    expect(reach({ shares: [...examplePlan.shares, inside] })).toEqual([]);
  });

  it('names shares outside the project, with what the guest may do there', () => {
    const shares = [
      { host: '/home/me/app-data', guest: '/data', mode: 'ro' },
      { host: '/home', guest: '/homes', mode: 'copy' },
    ] as const;
    expect(reach({ shares })).toEqual([
      { what: 'share', value: '/home/me/app-data (ro)' },
      { what: 'share with your home directory in it', value: '/home (copy)' },
    ]);
  });

  it('names every share when there is no project', () => {
    expect(reach({ project: undefined })).toEqual([{ what: 'share', value: '/home/me/app (rw)' }]);
  });

  it.each(['auto', 'debian:12', 'ubuntu:24.04', 'bootstrap:debian:12'])('trusts %s', (image) => {
    expect(reach({ image })).toEqual([]);
  });

  it.each(['/srv/x.qcow2', './x.qcow2', `https://x/y#sha256:${'0'.repeat(64)}`, 'my-image'])(
    'names the image %s',
    (image) => {
      expect(reach({ image })).toEqual([{ what: 'image', value: image }]);
    },
  );

  it('names ports of the host', () => {
    expect(reach({ hostPorts: [5432] })).toEqual([{ what: 'host port', value: '127.0.0.1:5432' }]);
  });

  it('names ports of this host that are not anybody’s: those of root, and those that are sent passwords', () => {
    const port = (host: number | undefined, guest: number) => ({
      name: String(guest),
      guest,
      host,
    });
    const ports = [port(8080, 80), port(undefined, 5432), port(15_432, 5432), port(443, 443)];
    expect(reach({ ports: [...ports, port(8200, 80)] })).toEqual([
      { what: 'port that it takes', value: '127.0.0.1:443, for port 443 of the guest' },
      { what: 'port that it takes', value: '127.0.0.1:8200, for port 80 of the guest' },
    ]);
  });

  it('names variables of the host that would go into the guest, each once', () => {
    const text = 'version: 2\nenvironment: { A: "${TOKEN}${TOKEN}", B: "$${NOT}", C: "${HOME}/x" }';
    expect(outsideReach(examplePlan, home, parseConfig(text, 'x'))).toEqual([
      { what: 'host variable', value: 'TOKEN' },
      { what: 'host variable', value: 'HOME' },
    ]);
  });

  it('names what lets somebody in that is not in the file itself', () => {
    const line = `ssh-ed25519 ${'A'.repeat(68)} a`;
    const inside = '/home/me/app/team.pub';
    const keys = [line, inside, '/home/me/.ssh/id.pub', 'github:you', 'agent'];
    expect(reach({ auth: { method: 'ssh_key', keys } })).toEqual([
      { what: 'public keys of a file, which may log in', value: '/home/me/.ssh/id.pub' },
      { what: 'public keys of a GitHub user, who may log in', value: 'you' },
      { what: 'public keys, which may log in', value: 'all that your ssh agent has' },
    ]);
    expect(reach({ auth: { method: 'ssh_key', keys }, project: undefined })).toContainEqual({
      ...{ what: 'public keys of a file, which may log in', value: inside },
    });
  });

  it('names the secret that is a password', () => {
    const auth = {
      method: 'password',
      keys: [],
      password: { key: 'VM_PASSWORD', provider: 'auto' },
    } as const;
    expect(reach({ auth })).toEqual([{ what: 'secret', value: 'VM_PASSWORD' }]);
  });
});

it('names the hosts of an allow-list', () => {
  const allow = ['example.org', '127.0.0.1:8080'];
  expect(reach({ egress: 'allowlist', allow })).toEqual([
    { what: 'network host', value: 'example.org' },
    { what: 'network host', value: '127.0.0.1:8080' },
  ]);
});

describe('widerEgress', () => {
  const closed = { ...examplePlan, egress: 'none' } as const;

  it('is what a closed VM would be let out to', () => {
    expect(widerEgress(closed, examplePlan)).toEqual([
      { what: 'network', value: 'everything (egress: full), instead of egress: none' },
    ]);
  });

  it('is an allow-list where there was nothing', () => {
    const listed = { ...examplePlan, egress: 'allowlist', allow: ['a.example'] } as const;
    expect(widerEgress(closed, listed)).toEqual([
      {
        what: 'network',
        value: 'the hosts of network.allow (egress: allowlist), instead of egress: none',
      },
    ]);
    expect(widerEgress(listed, examplePlan)).toHaveLength(1);
    expect(widerEgress(listed, listed)).toEqual([]);
    expect(widerEgress(listed, closed)).toEqual([]);
  });

  it('is nothing where nothing is opened', () => {
    expect(widerEgress(closed, closed)).toEqual([]);
    expect(widerEgress(examplePlan, closed)).toEqual([]);
    expect(widerEgress(examplePlan, examplePlan)).toEqual([]);
  });
});
