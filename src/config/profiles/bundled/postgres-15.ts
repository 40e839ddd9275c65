export const postgres15 = `description: PostgreSQL 15 of Debian 12; other images have another version
packages: [postgresql-15]
services: [postgresql]
`;
