export const webStack = `description: Node.js behind nginx, with PostgreSQL 15 and Redis
extends: [node, postgres-15, redis-7]
vm:
  memory: 4G
packages: [nginx, curl]
services: [nginx]
ports: ['80']
`;
