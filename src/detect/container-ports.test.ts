import { describe, expect, it } from 'vitest';
import { portsOfDocker, portsOfPodman } from './container-ports.ts';

const written = (ports: ReturnType<typeof portsOfDocker>) =>
  ports.map(({ host, container }) => `${host ?? '-'}:${container}`).join(' ');

describe('ports as docker writes them', () => {
  it.each([
    ['', ''],
    ['0.0.0.0:8080->80/tcp, :::8080->80/tcp', '8080:80'],
    ['[::]:5433->5432/tcp, 443/tcp', '-:443 5433:5432'],
    ['127.0.0.1:5000-5002->6000-6002/tcp', '5000:6000 5001:6001 5002:6002'],
    ['53/udp, 53/tcp', '-:53'],
    ['0.0.0.0:99999->80/tcp, 5-3/tcp, nonsense, ->, 1.2.3.4:1->', ''],
  ])('%j is %j', (text, ports) => {
    expect(written(portsOfDocker(text))).toBe(ports);
  });

  it('are cut off where nobody reads on', () => {
    expect(portsOfDocker('0.0.0.0:1-65535->1-65535/tcp')).toHaveLength(100);
    expect(portsOfDocker('1/tcp, '.repeat(100_000))).toHaveLength(1);
  });
});

it('ports as podman says them', () => {
  const ports = [
    { host_ip: '', container_port: 80, host_port: 8080, range: 1, protocol: 'tcp' },
    { container_port: 7000, host_port: 7000, range: 3 },
    { container_port: 443, host_port: 0 },
    { container_port: 65_535, host_port: 1, range: 9 },
    { container_port: -1 },
    'nonsense',
    null,
  ];
  expect(written(portsOfPodman(ports))).toBe('8080:80 -:443 7000:7000 7001:7001 7002:7002 1:65535');
});
