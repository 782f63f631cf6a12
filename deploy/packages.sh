# shellcheck shell=sh
# OS packages: what is called, and the package that brings it on Debian/Ubuntu and on Oracle Linux/RHEL.
# Sourced by ./holdfast. Kinds: base (to run the portal's own processes), demo (base, and PostgreSQL, Redis, nginx and the
# lab's sshd), dev (demo, and a browser for the tests).

# the newest PostgreSQL server's programs
find_postgres() {
    for bin in /usr/bin /usr/pgsql-*/bin /usr/lib/postgresql/*/bin; do
        if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then echo "$bin"; fi
    done | sort -V | tail -n 1
}

# the wanted package of this family, when the command is missing: want COMMAND APT_PACKAGE DNF_PACKAGE
want() {
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || want_package "$2" "$3"
}

want_package() {
    if [ "$family" = apt ]; then printf '%s ' "$1"; else printf '%s ' "$2"; fi
}

# prints the missing packages of kind $1
missing_packages() {
    want gcc gcc gcc
    want xml2-config libxml2-dev libxml2-devel
    python_headers || want_package 'python3 python3-dev python3-venv' 'python3.11 python3.11-devel python3.11-pip'
    [ -e /usr/include/stdio.h ] || want_package libc6-dev glibc-devel
    if [ "$1" != base ]; then
        [ -n "$(find_postgres)" ] || want_package postgresql postgresql-server
        want redis-server redis-server redis
        want redis-cli redis-tools redis
        want nginx nginx-light nginx
        want sshd openssh-server openssh-server
        want ssh-keygen openssh-client openssh-clients
    fi
    if [ "$1" = dev ]; then
        # Debian's name of the command; EPEL's is chromium-browser
        command -v chromium-browser >/dev/null 2>&1 || want chromium chromium chromium
    fi
}

# headers are asked of the interpreter that will be used, since python3 may not be the system's
python_headers() {
    for candidate in ${HOLDFAST_PYTHON:-} python3.13 python3.12 python3.11 python3; do
        "$candidate" -c 'import os, sys, sysconfig, venv, ensurepip
sys.exit(sys.version_info < (3, 11) or not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' 2>/dev/null && return
    done
    return 1
}

setup_packages() {
    if command -v apt-get >/dev/null 2>&1; then family=apt; else family=dnf; fi
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
    missing=$(printf '%s\n' "$missing" | tr ' ' '\n' | sort -u | tr '\n' ' ' | sed 's/^ *//; s/ *$//')
    if [ "$family" = apt ]; then
        install="apt-get install -y --no-install-recommends $missing"
    else
        install="dnf install -y $missing"
    fi
    if [ "$(id -u)" != 0 ]; then
        die "OS packages are missing. Run this as root, once, then this command again: $install"
    fi
    say "installing OS packages: $missing"
    mkdir -p "$VAR"
    if [ "$family" = apt ]; then
        # no cluster of the distribution's own: Holdfast starts a private one
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
        apt-get update -qq >"$VAR/packages.log" 2>&1 || die "apt-get update failed: see var/packages.log"
        export DEBIAN_FRONTEND=noninteractive
    fi
    # word by word on purpose: a command and its packages
    # shellcheck disable=SC2086
    $install >>"$VAR/packages.log" 2>&1 </dev/null ||
        die "the OS packages could not be installed: see var/packages.log. By hand, as root: $install"
    missing=$(missing_packages "$1")
    [ -z "$missing" ] || die "after the installation these are still missing or too old: $missing (docs/install.md names the repositories)."
}
