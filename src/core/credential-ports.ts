/**
 * Ports of services to which clients send passwords and tokens without being asked: Vault, Docker, Kubernetes and its
 * kubelet, PostgreSQL, MySQL, Redis, MongoDB, Elasticsearch. Whoever has one of them here is sent what is somebody else's.
 */
const ports = new Set([8200, 2375, 2376, 6443, 10250, 5432, 3306, 6379, 27017, 9200]);

/** Whether a guest's port comes to be at this port of the host only where the user has said so. */
export function isCredentialPort(port: number): boolean {
  return ports.has(port);
}
