# shellcheck shell=sh
# Private PostgreSQL and Redis of the demo, the tests and the benchmarks. Sourced by ./holdfast.
# Data under var/; sockets in a short directory of their own, since a socket's path is at most 107 bytes.
# Nothing listens on TCP, and nobody but this account (and PostgreSQL's, under root) reaches the sockets.

run_dir() {
    name=holdfast-$(id -u)-$(printf %s "$TOP" | cksum | cut -d' ' -f1)
    case ${TMPDIR:-/tmp} in *[!A-Za-z0-9/._-]*) echo "/tmp/$name"; return ;; esac
    # the longest name in it is a socket's of some 20 bytes
    if [ "$(printf %s "${TMPDIR:-/tmp}" | wc -c)" -gt 50 ]; then echo "/tmp/$name"; else echo "${TMPDIR:-/tmp}/$name"; fi
}

RUN_DIR=${HOLDFAST_RUN_DIR:-$(run_dir)}
PG_BIN=''
PG_USER=''

as_pg() {
    # from /: the account may not be able to stand where this shell stands
    if [ -n "$PG_USER" ]; then (cd / && exec runuser -u "$PG_USER" -- "$@"); else "$@"; fi
}

# makes folder $1 for its owner alone. In a place where everybody writes, somebody else may have made it first.
private_folder() {
    mkdir -p "$1"
    [ -n "$(find "$1" -prune -type d \( -user "$(id -u)" -o -user "${PG_USER:-$(id -u)}" \))" ] ||
        die "$1 is not this account's own directory. Remove it, or name another place in TMPDIR."
    if [ -n "$PG_USER" ]; then chown "$PG_USER" "$1"; fi
    chmod 700 "$1"
}

services_layout() {
    PG_BIN=$(find_postgres)
    [ -n "$PG_BIN" ] || die "PostgreSQL's server programs were not found."
    mkdir -p "$VAR"
    PG_DATA="$VAR/postgres"
    if [ "$(id -u)" = 0 ]; then
        # PostgreSQL refuses to run as root
        PG_USER=postgres
        id postgres >/dev/null 2>&1 || PG_USER=nobody
        # and its account may not be able to reach a checkout under a private home
        as_pg test -x "$VAR" || PG_DATA="/var/tmp/holdfast-postgres-$(printf %s "$TOP" | cksum | cut -d' ' -f1)"
    fi
    private_folder "$RUN_DIR"
    private_folder "$PG_DATA"
}

postgres_runs() { as_pg "$PG_BIN/pg_ctl" -D "$PG_DATA" status >/dev/null 2>&1; }

postgres_start() {
    if [ ! -s "$PG_DATA/PG_VERSION" ]; then
        say "creating the private PostgreSQL cluster"
        as_pg "$PG_BIN/initdb" -D "$PG_DATA" -U holdfast -A trust -E UTF8 --locale=C.UTF-8 >"$RUN_DIR/initdb.log" 2>&1 ||
            { cat "$RUN_DIR/initdb.log" >&2; die "initdb failed"; }
    fi
    if postgres_runs; then return; fi
    touch "$RUN_DIR/owned.postgres"
    as_pg "$PG_BIN/pg_ctl" -D "$PG_DATA" -w -t 60 -s -l "$PG_DATA/server.log" \
        -o "-c listen_addresses='' -c unix_socket_directories='$RUN_DIR' -c max_connections=200 -c fsync=${HOLDFAST_PG_FSYNC:-on}" start ||
        { as_pg tail -n 20 "$PG_DATA/server.log" >&2; die "PostgreSQL did not start"; }
    as_pg "$PG_BIN/psql" -h "$RUN_DIR" -U holdfast -d postgres -Atc "select 1 from pg_database where datname='holdfast'" | grep -q 1 ||
        as_pg "$PG_BIN/createdb" -h "$RUN_DIR" -U holdfast holdfast
}

redis_runs() { redis-cli -s "$RUN_DIR/redis.sock" ping >/dev/null 2>&1; }

redis_start() {
    if redis_runs; then return; fi
    touch "$RUN_DIR/owned.redis"
    mkdir -p "$VAR/redis"
    redis-server --port 0 --unixsocket "$RUN_DIR/redis.sock" --unixsocketperm 700 --dir "$VAR/redis" \
        --appendonly yes --appendfsync everysec --save '' --daemonize yes --pidfile "$RUN_DIR/redis.pid" \
        --logfile "$VAR/redis/server.log" >/dev/null
    tries=0
    until redis_runs; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || die "Redis did not start: see var/redis/server.log"
        sleep 0.1
    done
}

# the other commands of this checkout that use the services now: their process ids; $1: of one kind only
other_users() {
    for file in "$RUN_DIR"/user.*; do
        pid=${file##*.}
        case $file in
            *'*' | *".$$") continue ;;
            *"/user.${1:-}"*) ;;
            *) continue ;;
        esac
        # an id is given again after a reboot: the process must be one of ours
        if grep -qs holdfast "/proc/$pid/cmdline"; then echo "$pid"; else rm -f "$file"; fi
    done
}

# $1: demo (one at a time: it has the database, the nginx and the lab's state) | keep (they outlive this command) | nothing
services_start() {
    kind=${1:-task}
    services_layout
    if [ "$kind" = demo ] && [ -n "$(other_users demo)" ]; then
        die "a demo of this checkout runs already (process $(other_users demo | tail -n 1)). End it with Ctrl-C first, or use another clone."
    fi
    [ "$kind" = keep ] || touch "$RUN_DIR/user.$kind.$$"
    postgres_start
    redis_start
    [ "$kind" != keep ] || rm -f "$RUN_DIR/owned.postgres" "$RUN_DIR/owned.redis"
}

# ends what commands like this one started and none uses any more; what `services start` or others keep stays
services_stop() {
    [ -n "$PG_BIN" ] || return 0
    rm -f "$RUN_DIR"/user.*."$$"
    [ -z "$(other_users)" ] || return 0
    [ ! -e "$RUN_DIR/owned.redis" ] || redis_stop
    [ ! -e "$RUN_DIR/owned.postgres" ] || postgres_stop
}

redis_stop() {
    redis-cli -s "$RUN_DIR/redis.sock" shutdown nosave >/dev/null 2>&1 || :
    rm -f "$RUN_DIR/owned.redis"
}

postgres_stop() {
    as_pg "$PG_BIN/pg_ctl" -D "$PG_DATA" -m fast -w -s stop >/dev/null 2>&1 || :
    rm -f "$RUN_DIR/owned.postgres"
}

# `services stop`: both, unless a command uses them
services_end() {
    services_layout
    users=$(other_users | tr '\n' ' ')
    [ -z "$users" ] || die "they are in use by ${users}(demo, test or bench of this checkout). End that first."
    redis_stop
    postgres_stop
}
