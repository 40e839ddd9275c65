import type { Release } from './release.ts';

/** How a server comes into a guest. */
export interface ServiceEntry {
  readonly packages: readonly string[];
  /** systemd units to enable and start. */
  readonly units: readonly string[];
  readonly versions: Readonly<Partial<Record<Release, string>>>;
  /** What the guest's `clonebox-database` calls it, if it has databases. */
  readonly database?: string;
}

type Row = readonly [debian12: string, debian13: string, ubuntu22: string, ubuntu24: string];

function versions([debian12, debian13, ubuntu22, ubuntu24]: Row): ServiceEntry['versions'] {
  return {
    ...(debian12 && { 'debian:12': debian12 }),
    ...(debian13 && { 'debian:13': debian13 }),
    ...(ubuntu22 && { 'ubuntu:22.04': ubuntu22 }),
    ...(ubuntu24 && { 'ubuntu:24.04': ubuntu24 }),
  };
}

const mariadb: ServiceEntry = {
  packages: ['mariadb-server'],
  units: ['mariadb'],
  versions: versions(['10.11.14', '11.8.3', '10.6.22', '10.11.13']),
  database: 'mariadb',
};

/** Every server that the distributions have. */
export const services: Readonly<Record<string, ServiceEntry>> = {
  postgresql: {
    packages: ['postgresql'],
    units: ['postgresql'],
    versions: versions(['15.14.0', '17.6.0', '14.19.0', '16.10.0']),
    database: 'postgresql',
  },
  mariadb,
  // In Debian this is MariaDB, which speaks the same protocol.
  mysql: { ...mariadb, packages: ['mariadb-server'] },
  redis: {
    packages: ['redis-server'],
    units: ['redis-server'],
    versions: versions(['7.0.15', '8.0.2', '6.0.16', '7.0.15']),
  },
  memcached: {
    packages: ['memcached'],
    units: ['memcached'],
    versions: versions(['1.6.18', '1.6.38', '1.6.14', '1.6.24']),
  },
  rabbitmq: {
    packages: ['rabbitmq-server'],
    units: ['rabbitmq-server'],
    versions: versions(['3.10.8', '4.0.5', '3.9.13', '3.12.1']),
  },
  nginx: {
    packages: ['nginx'],
    units: ['nginx'],
    versions: versions(['1.22.1', '1.26.3', '1.18.0', '1.24.0']),
  },
};
