import type { GuestFile } from './archive.ts';

/**
 * `clonebox-database SERVER [--role NAME]… [DATABASE…]` of every guest: roles and databases of a server that was just
 * installed, the guest's user among them as a superuser (docs/operations/tools.md). Does nothing twice.
 *
 * PostgreSQL takes any password from inside the guest, so that the project's own will do: nobody else is there, and what
 * comes through a forwarded port comes from another address.
 */
export const databaseScript: GuestFile = {
  path: '/usr/local/bin/clonebox-database',
  mode: 0o755,
  content: String.raw`#!/bin/bash
# clonebox-database SERVER [--role NAME]... [DATABASE...]: roles without a password, and databases. Made by CloneBox.
set -euo pipefail

fail() { printf 'clonebox-database: %s\n' "$1" >&2; exit 1; }
plain() { [[ $1 =~ ^[A-Za-z_][A-Za-z0-9_-]*$ ]] || fail "not a plain name: $1"; }

server=$1
shift
roles=("$CLONEBOX_USER") databases=()
while [ "$#" -gt 0 ]; do
  case $1 in
    --role) plain "$2"; roles+=("$2"); shift 2 ;;
    *) plain "$1"; databases+=("$1"); shift ;;
  esac
done

sql() { runuser -u postgres -- psql --quiet --no-align --tuples-only --dbname postgres --command "$1"; }

prepare_postgresql() {
  local name
  cd /
  for name in "\${roles[@]}"; do
    [ -n "$(sql "select 1 from pg_roles where rolname = '$name'")" ] || sql "create role \"$name\" superuser login"
  done
  for name in "\${databases[@]}"; do
    [ -n "$(sql "select 1 from pg_database where datname = '$name'")" ] || sql "create database \"$name\" owner \"$CLONEBOX_USER\""
  done
  sed -i -E 's/^(host +all +all +(127|::1)[^ ]* +)(scram-sha-256|md5)/\1trust/' /etc/postgresql/*/main/pg_hba.conf
  systemctl reload postgresql
}

prepare_mariadb() {
  local name
  for name in "\${roles[@]}"; do
    mariadb -e "create user if not exists '$name'@localhost identified via unix_socket; grant all on *.* to '$name'@localhost"
  done
  for name in "\${databases[@]}"; do mariadb -e "create database if not exists \`$name\`"; done
}

case $server in
  postgresql) prepare_postgresql ;;
  mariadb) prepare_mariadb ;;
  *) fail "it does not know $server: postgresql, mariadb" ;;
esac
`.replaceAll('\\${', '${'),
};
