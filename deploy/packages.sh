# OS packages: what is called, and the package that brings it on Debian/Ubuntu and on Oracle Linux/RHEL.
# Sourced by ./holdfast. $1 of setup_packages: base | dev.

find_postgres() {
    for bin in "$(command -v pg_config >/dev/null 2>&1 && pg_config --bindir || :)" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/bin; do
        if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then
            echo "$bin"
            return
        fi
    done
}

# prints the missing packages of the family in $2
missing_packages() {
    family=$2
    want() { # command, apt package, dnf package
        command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || { [ "$family" = apt ] && printf '%s ' "$2" || printf '%s ' "$3"; }
    }
    [ -n "$(find_postgres)" ] || { [ "$family" = apt ] && printf 'postgresql ' || printf 'postgresql-server '; }
    want redis-server redis-server redis
    want nginx nginx-light nginx
    want gcc gcc gcc
    want xml2-config libxml2-dev libxml2-devel
    python_headers "$family"
    [ "$family" = dnf ] || [ -e /usr/include/stdio.h ] || printf 'libc6-dev '
    if [ "$1" = dev ]; then
        want sshd openssh-server openssh-server
        want ssh-keygen openssh-client openssh-clients
        want chromium chromium chromium
    fi
}

# headers are asked of the interpreter that will be used, since python3 may not be the system's
python_headers() {
    for candidate in ${HOLDFAST_PYTHON:-} python3.13 python3.12 python3.11 python3; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import os, sys, sysconfig; sys.exit(sys.version_info < (3, 11) or not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' 2>/dev/null &&
            "$candidate" -c 'import venv, ensurepip' 2>/dev/null && return
    done
    if [ "$1" = apt ]; then printf 'python3 python3-dev python3-venv '; else printf 'python3.11 python3.11-devel python3.11-pip '; fi
}

setup_packages() {
    if command -v apt-get >/dev/null 2>&1; then family=apt; else family=dnf; fi
    missing=$(missing_packages "$1" "$family")
    [ -n "$missing" ] || return 0
    if [ "$family" = apt ]; then command="apt-get install -y --no-install-recommends $missing"; else command="dnf install -y $missing"; fi
    if [ "$(id -u)" != 0 ]; then
        die "these OS packages are missing. Run as root, once: $command"
    fi
    say "installing OS packages: $missing"
    if [ "$family" = apt ]; then
        # no cluster of the distribution's own: Holdfast starts a private one
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
        apt-get update -qq >/dev/null
        # policy-rc.d is not touched: redis-server's and nginx's units do not start where no init runs
        DEBIAN_FRONTEND=noninteractive $command >"${TMPDIR:-/tmp}/holdfast-packages.log" 2>&1 ||
            die "the OS packages could not be installed: see ${TMPDIR:-/tmp}/holdfast-packages.log"
    else
        $command >"${TMPDIR:-/tmp}/holdfast-packages.log" 2>&1 ||
            die "the OS packages could not be installed: see ${TMPDIR:-/tmp}/holdfast-packages.log"
    fi
}
