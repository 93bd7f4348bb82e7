# Sourced by run: a PostgreSQL server for the tests alone, which is gone with them.
# It listens on a free loopback port and keeps its files in a temporary folder. PostgreSQL refuses to run as root.

as_postgres() {
    if ((EUID == 0)); then runuser -u postgres -- "$@"; else "$@"; fi
}

start_postgresql() {
    local programs password port
    programs=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)")
    pg_ctl="$programs/pg_ctl"
    pg_folder=$(mktemp -d /tmp/publisher-portal-postgresql.XXXXXX)
    password=$(openssl rand -hex 16)
    port=$(python3.11 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
    printf '%s' "$password" >"$pg_folder/password"
    if ((EUID == 0)); then chown -R postgres "$pg_folder"; fi
    (
        cd "$pg_folder"
        as_postgres "$programs/initdb" --pgdata=data --username=tests --pwfile=password --auth=scram-sha-256 \
            --encoding=UTF8 --no-sync >/dev/null
        # Durability is of no use to a server that is thrown away; many tests and processes connect at once.
        as_postgres "$pg_ctl" start --silent --wait --pgdata=data --log=log --options="-p $port -k $pg_folder \
            -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
    )
    export TEST_POSTGRES_URL="postgres://tests:$password@127.0.0.1:$port/postgres"
}

stop_postgresql() {
    (cd "$pg_folder" && as_postgres "$pg_ctl" stop --silent --mode=immediate --pgdata=data) || true
    rm -rf "$pg_folder"
}
