import { coerce, validRange } from 'semver';

/** A server, as the names of images and the schemes of connection strings know it. */
interface KnownService {
  /** As core/needs.ts has it. */
  readonly name: string;
  /** What people call it. */
  readonly label: string;
  /** Last parts of the names of its images. */
  readonly images: readonly string[];
  readonly schemes: readonly string[];
}

/** Every server that is known by its name. Whether a guest can have it is not said here. */
const known: readonly KnownService[] = [
  {
    ...{ name: 'postgresql', label: 'PostgreSQL', schemes: ['postgres', 'postgresql'] },
    images: [
      'postgres',
      'postgresql',
      'postgis',
      'timescaledb',
      'timescaledb-ha',
      'pgvector',
      'pg',
      'pgautoupgrade',
    ],
  },
  {
    name: 'mysql',
    label: 'MySQL',
    images: ['mysql', 'mysql-server', 'percona'],
    schemes: ['mysql', 'mysql2'],
  },
  { name: 'mariadb', label: 'MariaDB', images: ['mariadb'], schemes: ['mariadb'] },
  {
    name: 'redis',
    label: 'Redis',
    images: [
      'redis',
      'valkey',
      'redis-stack',
      'redis-stack-server',
      'redismod',
      'keydb',
      'dragonfly',
    ],
    schemes: ['redis'],
  },
  { name: 'mongodb', label: 'MongoDB', images: ['mongo', 'mongodb'], schemes: ['mongodb'] },
  { name: 'memcached', label: 'Memcached', images: ['memcached'], schemes: ['memcached'] },
  { name: 'rabbitmq', label: 'RabbitMQ', images: ['rabbitmq'], schemes: ['amqp'] },
  { name: 'nginx', label: 'nginx', images: ['nginx'], schemes: [] },
  {
    name: 'elasticsearch',
    label: 'Elasticsearch',
    images: ['elasticsearch', 'opensearch'],
    schemes: [],
  },
  { name: 'kafka', label: 'Kafka', images: ['kafka', 'cp-kafka'], schemes: [] },
  { name: 'minio', label: 'MinIO', images: ['minio'], schemes: [] },
];

/** The server that an image is of, and its version as a range: `postgres:15-alpine`, `docker.io/library/redis`. */
export function serviceOfImage(
  image: string,
): { name: string; label: string; range: string | undefined } | undefined {
  const [reference = ''] = image.split('@');
  const [base = '', tag = ''] = reference.slice(reference.lastIndexOf('/') + 1).split(':');
  const service = known.find(({ images }) => images.includes(base));
  if (service === undefined) return undefined;
  const { name, label } = service;
  // Of timescaledb and the like the tag counts another product's versions.
  const isOwn = service.images.indexOf(base) < 2;
  const [version = ''] = /^\d+(\.\d+){0,2}/.exec(tag) ?? [];
  const range = isOwn && coerce(version) ? (validRange(version) ?? undefined) : undefined;
  return { name, label, range };
}

/** Where servers of databases, caches and queues listen: never the port of a project's own program. */
const servicePorts = [
  ...[1433, 3306, 5432, 5433, 5672, 6379, 9042, 9092, 9200, 9300, 11_211, 15_672, 26_379, 27_017],
  ...[33_060, 33_306],
];

export function isServicePort(port: number): boolean {
  return servicePorts.includes(port);
}

/** The server that a scheme is of: `postgresql+asyncpg`, `rediss`. */
export function serviceOfScheme(scheme: string): { name: string; label: string } | undefined {
  const [plain = ''] = scheme.toLowerCase().split('+');
  return known.find(
    ({ schemes }) => schemes.includes(plain) || schemes.includes(plain.slice(0, -1)),
  );
}
