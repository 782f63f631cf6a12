# shellcheck shell=sh
# OS packages: what is called, and the package that brings it on Debian/Ubuntu and on Oracle Linux/RHEL.
# Sourced by ./holdfast. Kinds: base (to run the portal's own processes, and PostgreSQL's programs: they read dumps and restore
# them into scratch servers), demo (base, and Redis and nginx), dev (demo, and an sshd and a browser for the tests).

OS_RELEASE=/etc/os-release

# the programs of the newest PostgreSQL server, 14 at least (Django 5.2 asks for it)
find_postgres() {
    for bin in /usr/bin /usr/pgsql-*/bin /usr/lib/postgresql/*/bin; do
        if ! [ -x "$bin/initdb" ] || ! [ -x "$bin/postgres" ]; then continue; fi
        version=$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
        if [ "${version:-0}" -ge 14 ]; then echo "$version $bin"; fi
    done | sort -n | tail -n 1 | cut -d' ' -f2-
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
    want prlimit util-linux util-linux
    [ -n "$(find_postgres)" ] || want_package postgresql postgresql-server
    uuid_ossp || want_package postgresql-contrib postgresql-contrib
    # what WeasyPrint loads to make the PDF of a drill report, and a font to write it with
    shared_library libpangoft2-1.0.so.0 || want_package 'libpango-1.0-0 libpangoft2-1.0-0' pango
    [ -n "$(find /usr/share/fonts -name 'LiberationSans-Regular.ttf' 2>/dev/null | head -n 1)" ] ||
        want_package fonts-liberation liberation-sans-fonts
    if [ "$1" != base ]; then
        want redis-server redis-server redis
        want redis-cli redis-tools redis
        want nginx nginx-light nginx
    fi
    if [ "$1" = dev ]; then
        want sshd openssh-server openssh-server
        want ssh-keygen openssh-client openssh-clients
        [ "$family" != apt ] || want age age age # the file format's own program, for one test
        # Debian's name of the command; EPEL's is chromium-browser
        command -v chromium-browser >/dev/null 2>&1 || want chromium chromium chromium
    fi
}

# an extension that every engine's dump asks for; Debian's server package brings it
uuid_ossp() {
    for control in /usr/share/postgresql/*/extension /usr/share/pgsql/extension /usr/pgsql-*/share/extension; do
        if [ -e "$control/uuid-ossp.control" ]; then return 0; fi
    done
    return 1
}

# whether the library $1 lies where the loader looks
shared_library() {
    for folder in /usr/lib64 /usr/lib /usr/lib/*-linux-gnu /lib/*-linux-gnu; do
        if [ -e "$folder/$1" ]; then return 0; fi
    done
    return 1
}

# headers are asked of the interpreter that will be used, since python3 may not be the system's
python_headers() {
    for candidate in ${HOLDFAST_PYTHON:-} python3.13 python3.12 python3.11 python3; do
        "$candidate" -c 'import os, sys, sysconfig, venv, ensurepip
sys.exit(sys.version_info < (3, 11) or not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' 2>/dev/null && return
    done
    return 1
}

# the one command that installs the packages $1
install_command() {
    if [ "$family" = apt ]; then
        echo "apt-get install -y --no-install-recommends $1"
    else
        echo "$(streams "$1")dnf install -y $1"
    fi
}

# Oracle Linux and its kin: PostgreSQL and Redis are older by default than the portal needs, and Chromium is in EPEL
streams() {
    # shellcheck source=/dev/null
    id=$(. "$OS_RELEASE" && echo "$ID") major=$(. "$OS_RELEASE" && echo "${VERSION_ID%%.*}")
    case "$major $1" in
        8*postgresql-server* | 9*postgresql-server*) printf 'dnf module enable -y postgresql:16 && ' ;;
    esac
    case "$major $1" in 8*redis*) printf 'dnf module enable -y redis:6 && ' ;; esac
    case "$id $1" in
        ol*chromium*) printf 'dnf install -y oracle-epel-release-el%s && ' "$major" ;;
        *chromium*) printf 'dnf install -y epel-release && ' ;;
    esac
}

# Debian starts what it installs, on every address. Only the programs are wanted: what $1 has just brought is stopped again.
quiet_units() {
    [ -d /run/systemd/system ] || return 0
    for package in $1; do
        case $package in
            redis-server) unit=redis-server ;;
            nginx | nginx-light) unit=nginx ;;
            openssh-server) unit=ssh ;;
            *) continue ;;
        esac
        systemctl disable --now "$unit" >>"$VAR/packages.log" 2>&1 || :
    done
}

setup_packages() {
    if command -v apt-get >/dev/null 2>&1; then family=apt; else family=dnf; fi
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
    missing=$(printf '%s\n' "$missing" | tr ' ' '\n' | sort -u | tr '\n' ' ' | sed 's/^ *//; s/ *$//')
    install=$(install_command "$missing")
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
    sh -c "$install" >>"$VAR/packages.log" 2>&1 </dev/null ||
        die "the OS packages could not be installed: see var/packages.log. By hand, as root: $install"
    quiet_units "$missing"
    missing=$(missing_packages "$1")
    [ -z "$missing" ] || die "after the installation these are still missing or too old: $missing (docs/install.md names the repositories)."
}
