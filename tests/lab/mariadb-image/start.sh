#!/bin/sh
# Makes an empty data folder a database with the account and the files that the official image would
# make, then becomes the server. Arguments go to the server.
set -eu
data=/var/lib/mysql
value() { # value NAME: the variable of MariaDB's image, else of MySQL's
  eval "printf %s \"\${MARIADB_$1:-\${MYSQL_$1:-}}\""
}
quote() { printf %s "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/\\\\'/g"; }

set -- mariadbd --datadir="$data" --tmpdir=/tmp --socket=/run/mysqld/mysqld.sock \
  --pid-file=/run/mysqld/mysqld.pid --skip-name-resolve --skip-log-bin \
  --character-set-server=utf8mb4 --innodb-buffer-pool-size=32M --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync "$@"

if [ ! -d "$data/mysql" ]; then
  mariadb-install-db --no-defaults --datadir="$data" --tmpdir=/tmp --skip-test-db --force \
    --auth-root-authentication-method=normal >/dev/null
  database=$(value DATABASE)
  {
    if [ -n "$(value ROOT_PASSWORD)" ]; then
      printf "ALTER USER root@localhost IDENTIFIED BY '%s';\n" "$(quote "$(value ROOT_PASSWORD)")"
    fi
    if [ -n "$database" ]; then
      printf 'CREATE DATABASE IF NOT EXISTS `%s`;\n' "$database"
    fi
    if [ -n "$(value USER)" ]; then
      user=$(quote "$(value USER)")
      printf "CREATE USER '%s'@'%%' IDENTIFIED BY '%s';\n" "$user" "$(quote "$(value PASSWORD)")"
      if [ -n "$database" ]; then
        printf "GRANT ALL PRIVILEGES ON \`%s\`.* TO '%s'@'%%';\n" "$database" "$user"
      fi
    fi
    if [ -n "$database" ]; then
      printf 'USE `%s`;\n' "$database"
    fi
  } >/tmp/first.sql
  for file in /docker-entrypoint-initdb.d/*.sql; do
    [ ! -e "$file" ] || cat "$file"
  done >>/tmp/first.sql
  # Without the network: nobody sees a server whose schema is not whole. With the privilege tables:
  # it makes accounts.
  "$@" --skip-networking &
  server=$!
  for _ in $(seq 300); do
    mariadb-admin --no-defaults --socket=/run/mysqld/mysqld.sock --user=root ping >/dev/null 2>&1 && break
    sleep 0.1
  done
  mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --user=root --default-character-set=utf8mb4 </tmp/first.sql || {
    # Half a database would look like a whole one at the next start.
    kill "$server"; wait "$server" || true
    find "$data" -mindepth 1 -delete
    exit 1
  }
  kill "$server"
  wait "$server"
  rm /tmp/first.sql
fi
exec "$@"
