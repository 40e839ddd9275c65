import * as z from 'zod';
import type { FoundContainer } from '../core/detect.ts';

export type ContainerPort = FoundContainer['ports'][number];

const mostPorts = 100;

const podmanPort = z.looseObject({
  host_port: z.number().int().min(0).max(65_535).optional().catch(undefined),
  container_port: z.number().int().min(1).max(65_535),
  range: z.number().int().min(1).max(65_535).catch(1),
});

/** Ports as podman says them: `{ host_port, container_port, range }`. */
export function portsOfPodman(ports: readonly unknown[]): ContainerPort[] {
  return distinct(
    ports.slice(0, mostPorts).flatMap((one) => {
      const found = podmanPort.safeParse(one).data;
      if (found === undefined) return [];
      const { host_port: host, container_port: container, range } = found;
      return count(range).map((step) => ({
        host: host ? host + step : null,
        container: container + step,
      }));
    }),
  );
}

/** Ports as docker writes them: `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp, 0.0.0.0:5000-5001->5000-5001/tcp`. */
export function portsOfDocker(text: string): ContainerPort[] {
  return distinct(
    text
      .split(',')
      .slice(0, mostPorts)
      .flatMap((one) => {
        const [, host, container, last = container] =
          /^(?:.*:(\d{1,5})(?:-\d{1,5})?->)?(\d{1,5})(?:-(\d{1,5}))?(?:\/\w+)?$/.exec(one.trim()) ??
          [];
        if (container === undefined) return [];
        return count(Number(last) - Number(container) + 1).map((step) => ({
          host: host === undefined ? null : Number(host) + step,
          container: Number(container) + step,
        }));
      }),
  );
}

function count(steps: number): number[] {
  return Array.from({ length: Math.min(Math.max(steps, 0), mostPorts) }, (_, step) => step);
}

/** The same port on several addresses, or by several protocols, is one. */
function distinct(ports: readonly ContainerPort[]): ContainerPort[] {
  const seen = new Map(ports.map((port) => [`${port.host} ${port.container}`, port]));
  return [...seen.values()]
    .filter(({ host, container }) => (host ?? 1) <= 65_535 && container <= 65_535)
    .toSorted((one, other) => one.container - other.container)
    .slice(0, mostPorts);
}
