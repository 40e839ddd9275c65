/** Guest ports that are spoken to with something else than a browser. */
const notHttp = new Set([
  21, 22, 25, 53, 110, 143, 389, 636, 1433, 1521, 1883, 2181, 2379, 3306, 4222, 5432, 5433, 5672,
  5900, 6379, 6380, 9042, 9092, 11211, 27017,
]);

/** Where a forwarded port is on this machine: a URL where a browser would take it. */
export function portAddress(port: { readonly guest: number; readonly address: string }): string {
  if (notHttp.has(port.guest)) return port.address;
  const scheme = port.guest === 443 || port.guest === 8443 ? 'https' : 'http';
  return `${scheme}://${port.address}`;
}
