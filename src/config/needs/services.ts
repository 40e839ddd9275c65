import type { Release } from './release.ts';

/** How a server comes into a guest. */
export interface ServiceEntry {
  readonly packages: readonly string[];
  /** systemd units to enable and start. */
  readonly units: readonly string[];
  readonly versions: Readonly<Partial<Record<Release, string>>>;
  /** Makes databases and roles of these names, and lets the guest's user in without a password. Command lines for root. */
  readonly prepare?: (names: {
    databases: readonly string[];
    roles: readonly string[];
  }) => readonly string[];
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

/**
 * Whatever password the project has for a role will do from inside the guest: nobody else is there. From outside, a
 * forwarded port comes from another address.
 */
const trustLoopback =
  "sed -i -E 's/^(host +all +all +(127|::1)[^ ]* +)(scram-sha-256|md5)/\\1trust/' /etc/postgresql/*/main/pg_hba.conf && systemctl reload postgresql";
const createRole = 'runuser -u postgres -- createuser --superuser';

const mariadb: ServiceEntry = {
  packages: ['mariadb-server'],
  units: ['mariadb'],
  versions: versions(['10.11.14', '11.8.3', '10.6.22', '10.11.13']),
  prepare: ({ databases }) => [
    `mariadb -e "CREATE USER IF NOT EXISTS '$CLONEBOX_USER'@localhost IDENTIFIED VIA unix_socket; GRANT ALL ON *.* TO '$CLONEBOX_USER'@localhost"`,
    ...databases.map((name) => `mariadb -e 'CREATE DATABASE IF NOT EXISTS \`${name}\`'`),
  ],
};

/** Every server that the distributions have. */
export const services: Readonly<Record<string, ServiceEntry>> = {
  postgresql: {
    packages: ['postgresql'],
    units: ['postgresql'],
    versions: versions(['15.14.0', '17.6.0', '14.19.0', '16.10.0']),
    prepare: ({ databases, roles }) => [
      trustLoopback,
      `${createRole} "$CLONEBOX_USER"`,
      ...roles
        .filter((name) => name !== 'postgres')
        .map((name) => `[ "$CLONEBOX_USER" = '${name}' ] || ${createRole} '${name}'`),
      ...databases
        .filter((name) => name !== 'postgres')
        .map((name) => `runuser -u postgres -- createdb --owner "$CLONEBOX_USER" '${name}'`),
    ],
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
