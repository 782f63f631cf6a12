# Private PostgreSQL and Redis of the demo, the tests and the benchmarks. Sourced by ./holdfast.
# Data under var/; sockets in a short directory of their own, since a socket's path is at most 107 bytes.
# Nothing listens on TCP.

RUN_DIR=${HOLDFAST_RUN_DIR:-${TMPDIR:-/tmp}/holdfast-$(id -u)-$(printf %s "$TOP" | cksum | cut -d' ' -f1)}
PG_BIN=''
PG_USER=''

as_pg() {
    if [ -n "$PG_USER" ]; then runuser -u "$PG_USER" -- "$@"; else "$@"; fi
}

services_layout() {
    PG_BIN=$(find_postgres)
    [ -n "$PG_BIN" ] || die "PostgreSQL's server programs were not found."
    mkdir -p "$RUN_DIR" "$VAR"
    chmod 711 "$RUN_DIR"
    PG_DATA="$VAR/postgres"
    if [ "$(id -u)" = 0 ]; then
        # PostgreSQL refuses to run as root
        PG_USER=postgres
        id postgres >/dev/null 2>&1 || PG_USER=nobody
        # and its account may not be able to reach a checkout under a private home
        if ! as_pg test -x "$VAR"; then
            PG_DATA="/var/tmp/holdfast-postgres-$(printf %s "$TOP" | cksum | cut -d' ' -f1)"
        fi
        mkdir -p "$PG_DATA" "$RUN_DIR/pg"
        chown "$PG_USER" "$PG_DATA"
        chown "$PG_USER" "$RUN_DIR"
    else
        mkdir -p "$PG_DATA"
    fi
    chmod 700 "$PG_DATA"
}

postgres_start() {
    if [ ! -s "$PG_DATA/PG_VERSION" ]; then
        say "creating the private PostgreSQL cluster"
        as_pg "$PG_BIN/initdb" -D "$PG_DATA" -U holdfast -A trust -E UTF8 --locale=C.UTF-8 >"$RUN_DIR/initdb.log" 2>&1 ||
            { cat "$RUN_DIR/initdb.log" >&2; die "initdb failed"; }
    fi
    if as_pg "$PG_BIN/pg_ctl" -D "$PG_DATA" status >/dev/null 2>&1; then return; fi
    SERVICES_MINE="${SERVICES_MINE:-} postgres"
    as_pg "$PG_BIN/pg_ctl" -D "$PG_DATA" -w -t 60 -s -l "$PG_DATA/server.log" \
        -o "-c listen_addresses='' -c unix_socket_directories='$RUN_DIR' -c max_connections=200 -c fsync=${HOLDFAST_PG_FSYNC:-on}" start ||
        { as_pg tail -n 20 "$PG_DATA/server.log" >&2; die "PostgreSQL did not start"; }
    as_pg "$PG_BIN/psql" -h "$RUN_DIR" -U holdfast -d postgres -Atc "select 1 from pg_database where datname='holdfast'" | grep -q 1 ||
        as_pg "$PG_BIN/createdb" -h "$RUN_DIR" -U holdfast holdfast
}

redis_start() {
    if redis-cli -s "$RUN_DIR/redis.sock" ping >/dev/null 2>&1; then return; fi
    SERVICES_MINE="${SERVICES_MINE:-} redis"
    mkdir -p "$VAR/redis"
    redis-server --port 0 --unixsocket "$RUN_DIR/redis.sock" --unixsocketperm 700 --dir "$VAR/redis" \
        --appendonly yes --appendfsync everysec --save '' --daemonize yes --pidfile "$RUN_DIR/redis.pid" \
        --logfile "$VAR/redis/server.log" >/dev/null
    tries=0
    until redis-cli -s "$RUN_DIR/redis.sock" ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || die "Redis did not start: see var/redis/server.log"
        sleep 0.1
    done
}

services_start() {
    SERVICES_MINE=${SERVICES_MINE:-}
    services_layout
    postgres_start
    redis_start
}

# ends only what this process started; `services stop` (no start before it, SERVICES_MINE unset) ends both
services_stop() {
    [ -n "$PG_BIN" ] || services_layout
    mine=${SERVICES_MINE-postgres redis}
    case $mine in *redis*) redis-cli -s "$RUN_DIR/redis.sock" shutdown nosave >/dev/null 2>&1 || : ;; esac
    case $mine in *postgres*) as_pg "$PG_BIN/pg_ctl" -D "$PG_DATA" -m fast -s stop >/dev/null 2>&1 || : ;; esac
    return 0
}
