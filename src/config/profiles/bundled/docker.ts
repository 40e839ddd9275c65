export const docker = `description: Docker and docker-compose, for the user without sudo
packages: [docker.io, docker-compose, ca-certificates]
services: [docker]
post_commands:
  - 'sudo usermod -aG docker "$(id -un)"'
`;
