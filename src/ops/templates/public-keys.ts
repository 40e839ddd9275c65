/**
 * "Private" keys that everybody has, by the first line of each: programs bring them along to test themselves, and a
 * memory holds them as soon as such a program runs. By one line, since memory has the pages of a file in any order.
 */
export const publicKeys: ReadonlySet<string> = new Set([
  // GnuTLS, lib/crypto-selftests-pk.c: apt and PostgreSQL load it.
  'MEUCAQAwHAYGKoUDAgITMBIGByqFAwICIwEGByqFAwICHgEEIgQgdNfuHGmmTdPm',
  'MEgCAQAwHwYIKoUDBwEBAQEwEwYHKoUDAgIjAQYIKoUDBwEBAgIEIgQgKOF96tom',
  'MGoCAQAwIQYIKoUDBwEBAQIwFQYJKoUDBwECAQIBBggqhQMHAQECAwRCBECjFpvp',
  'MHcCAQEEIPAKWV7+pZe9c5EubMNfAEKWRQtP/MvlO9HehwHmJssNoAoGCCqGSM49',
  'MIIDTQIBAAKCAQEAh60B6yPMRIT7udq2kKuwnQDohvT1U0w+RJcSr23C05cM/Ovn',
  'MIIEogIBAAKCAQEA6yCv+BLrRP/dMPBXJWK21c0aqxIX6JkODL4K+zlyEURt8/Wp',
]);
