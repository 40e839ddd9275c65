export const redis7 = `description: Redis; 7.0 on Debian 12 and Ubuntu 24.04, what they have on others
packages: [redis-server]
services: [redis-server]
`;
