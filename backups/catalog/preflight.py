"""What an engine VM says before engine-backup is started on it. The script itself checks nothing up front: it ends well
without a database when a flag is gone, and finds a full disk at the end (facts/engine-backup.md 0, 1 and 4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from backups.catalog.parts import LABELS, Part
from portal.kernel.command import Command
from portal.kernel.output import Output

MIB = 1024 * 1024
# Peak of the temporary folder, and of the target, in archive sizes; measured 1.3 and 1 (facts/engine-backup.md 1).
TMP_TIMES, TARGET_TIMES = 1.6, 1.2
LEAST_FREE = 100 * MIB  # where no earlier size is known
STALE_MINUTES = 60
CLOCK_LIMIT = 120  # seconds between the portal's clock and the engine VM's
_NO_FLAGS = (
    "The engine's setup flags are gone from /etc/ovirt-engine-setup.conf.d: engine-backup would end with 'Done.' and"
    " without any database. Restore 20-setup-ovirt-post.conf."
)

FLAGS = {
    Part.ENGINE: "OVESETUP_ENGINE_CORE/enable",
    Part.DWH: "OVESETUP_DWH_CORE/enable",
    Part.KEYCLOAK: "OVESETUP_CONFIG/keycloakEnable",
    Part.GRAFANA: "OVESETUP_GRAFANA_CORE/enable",
    Part.CINDERLIB: "OVESETUP_CL_DB/enable",
    Part.MANAGEDBLOCK: "OVESETUP_MB_DB/enable",
}
_USERS = {
    Part.ENGINE: "ENGINE_DB_USER",
    Part.DWH: "DWH_DB_USER",
    Part.KEYCLOAK: "KEYCLOAK_DB_USER",
    Part.CINDERLIB: "CINDERLIB_DB_USER",
    Part.MANAGEDBLOCK: "MANAGEDBLOCK_DB_USER",
}
# grep -h, not cat: a file without a newline at its end must not swallow the first line of the next one
_SETUP = """grep -ahE '^OVESETUP_[A-Z_]+/(enable|keycloakEnable) *=' \
/etc/ovirt-engine-setup.conf /etc/ovirt-engine-setup.conf.d/*.conf 2>/dev/null || :
"""
# Names, hosts and ports only: the same files hold the passwords. The files that engine-backup sources, in its order.
_DATABASES = """grep -ahE '^(ENGINE|DWH|KEYCLOAK|CINDERLIB|MANAGEDBLOCK)_DB_(USER|HOST|PORT)=' \
/etc/ovirt-engine/engine.conf /etc/ovirt-engine/engine.conf.d/*.conf \
/etc/ovirt-engine-dwh/ovirt-engine-dwhd.conf /etc/ovirt-engine-dwh/ovirt-engine-dwhd.conf.d/*.conf 2>/dev/null || :
"""
_FQDN = """grep -ahE '^ENGINE_FQDN=' /etc/ovirt-engine/engine.conf.d/*.conf 2>/dev/null || :
"""
_READY = """command -v pg_isready >/dev/null || { echo unknown; exit 0; }
v() {
grep -ahE "^$1=" /etc/ovirt-engine/engine.conf.d/*.conf 2>/dev/null | tail -n 1 | sed 's/^[^=]*=//' | tr -d '"'
}
h=$(v ENGINE_DB_HOST)
p=$(v ENGINE_DB_PORT)
pg_isready -t 5 -h "${h:-localhost}" -p "${p:-5432}"
"""
# engine-setup, engine-cleanup and engine-rename become python3 -m otopi: only the words after it tell them apart.
# $g keeps these words out of this shell's own command line; -ww: ps cuts lines at $COLUMNS otherwise.
_RUNNING = """p=$(ps -ww -eo stat=,comm=,args=) || exit 2
g=pluginGroups=str
printf '%s\\n' "$p" | while read -r s c a; do
case $s in Z*) continue ;; esac
case $c in engine-backup | engine-setup | engine-cleanup | engine-rename) echo "$c" ;; esac
case $a in
*"$g":ovirt-engine-common:ovirt-engine-setup*) echo engine-setup ;;
*"$g":ovirt-engine-common:ovirt-engine-remove*) echo engine-cleanup ;;
*"$g":ovirt-engine-common:ovirt-engine-rename*) echo engine-rename ;;
esac
done
exit 0
"""
# beside engine-backup's own: the folders that the step "take" makes for it
_STALE = """m=$1
shift
for t in "$@" /tmp /var/tmp; do
[ -d "$t" ] && find "$t" -maxdepth 1 -type d \\( -name 'engine-backup.*' -o -name 'holdfast-*.tmp' \\) -mmin "+$m"
done | sort -u
"""
_ROOM = 'd=$1; while [ ! -d "$d" ]; do d=$(dirname "$d"); done; df -Pk "$d"'  # it may have to be made


def commands(directory: str, tmp: str) -> Mapping[str, Command]:
    """Section name -> command, all read-only. directory: where archives go; tmp: "" for engine-backup's own choice."""
    place = tmp or "/tmp"  # noqa: S108  where engine-backup puts it (facts/engine-backup.md 1)
    return {
        "root": Command(("id", "-u"), root=True),
        "tool": Command(("sh", "-c", "command -v engine-backup"), root=True),
        "package": _rpm("ovirt-engine-tools-backup"),
        "engine": _rpm("ovirt-engine"),
        "flags": Command(("sh", "-c", _SETUP), root=True),
        "databases": Command(("sh", "-c", _DATABASES), root=True),
        "fqdn": Command(("sh", "-c", _FQDN), root=True),
        "ready": Command(("sh", "-c", _READY), root=True),
        "running": Command(("sh", "-c", _RUNNING), root=True),
        "target": Command(("sh", "-c", _ROOM, "sh", directory)),
        "tmp": Command(("df", "-Pk", place)),
        "stale": Command(("sh", "-c", _STALE, "sh", str(STALE_MINUTES), directory, place), root=True),
        "clock": Command(("date", "+%s")),
    }


def _rpm(package: str) -> Command:
    return Command(("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}\n", package))


def parts(seen: Mapping[str, Output]) -> frozenset[Part] | None:
    """What the engine has, by the sections "flags" and "databases"; None when they do not say."""
    return _parts(seen)[0]


def fqdn(seen: Mapping[str, Output]) -> str:
    """The engine's own name by its configuration; "" when it does not say."""
    return _values(seen["fqdn"]).get("ENGINE_FQDN", "")


@dataclass(frozen=True)
class Preflight:
    """What was read. parts: what the engine has; None when its flags cannot be read. stops: sentences that forbid a
    start; waits: ones that may pass by themselves; notes: what is said and does not stop. version: of the tools."""

    version: str
    engine: str
    parts: frozenset[Part] | None
    stops: tuple[str, ...]
    waits: tuple[str, ...]
    notes: tuple[str, ...]


def read(seen: Mapping[str, Output], last_size: int | None, now: float) -> Preflight:
    """last_size: bytes of the last archive, None when there is none. now: the portal's clock, Unix seconds. An answer
    that was cut off forbids nothing: it is waited for."""
    cut = [name for name, output in seen.items() if output.exit_code is None]
    if cut:
        told = f"The answer of the engine VM did not come whole ({', '.join(sorted(cut))})."
        return Preflight("", "", None, (), (told,), ())
    has, wrong, odd = _parts(seen)
    stops = [*_account(seen), *wrong, *_space(seen, last_size)]
    waits = [*_busy(seen), *_database(seen)]
    notes = [*odd, *_stale(seen), *_clock(seen, now)]
    return Preflight(version(seen["package"]), version(seen["engine"]), has, tuple(stops), tuple(waits), tuple(notes))


def version(output: Output) -> str:
    """ "4.5.5-1.el8", or "" when rpm does not know the package."""
    lines = _lines(output)
    return lines[-1] if output.exit_code == 0 and lines else ""


def _lines(output: Output) -> list[str]:
    return [line.strip() for line in output.stdout.decode("utf-8", "replace").splitlines() if line.strip()]


def _account(seen: Mapping[str, Output]) -> list[str]:
    """The script as another user leaves the engine database out and ends well (facts/engine-backup.md 0.1)."""
    found = []
    if _lines(seen["root"]) != ["0"]:
        why = seen["root"].error_line()
        found.append(
            f"engine-backup must run as root, and the login account does not become root{f' ({why})' if why else ''}:"
            " allow it sudo without a password."
        )
    if seen["tool"].exit_code != 0:
        found.append(
            "There is no engine-backup on this machine: install ovirt-engine-tools-backup, or set another one."
        )
    return found


def _parts(seen: Mapping[str, Output]) -> tuple[frozenset[Part] | None, list[str], list[str]]:
    """What the engine has, what forbids a start, what is said."""
    flags, users = _values(seen["flags"]), _values(seen["databases"])
    if seen["flags"].exit_code != 0 or seen["databases"].exit_code != 0:
        return None, ["The engine's setup flags or database settings cannot be read, so what it has is not known."], []
    if FLAGS[Part.ENGINE] not in flags:
        return None, [_NO_FLAGS], []
    has = {part for part, flag in FLAGS.items() if _set(flags.get(flag, ""))}
    if Part.ENGINE not in has:
        return None, ["This machine's setup flags say that it has no engine: it is not the engine VM."], []
    lacks = {part for part in has if part in _USERS and not users.get(_USERS[part])}
    odd = [_left_out(part) for part in Part if part in lacks - {Part.ENGINE}]
    unflagged = [part for part, user in _USERS.items() if users.get(user) and FLAGS[part] not in flags]
    odd += [f"{LABELS[part].capitalize()} is configured, but {FLAGS[part]} is not set." for part in unflagged]
    odd += [_elsewhere(part, host) for part in Part if part in has and (host := _away(part, users))]
    wrong = [_left_out(Part.ENGINE)] if Part.ENGINE in lacks else []
    return frozenset(has | {Part.FILES}), wrong, odd


def _set(value: str) -> bool:
    """What engine-setup's own reader takes for true: any "bool:" but four words."""
    kind, _, word = value.partition(":")
    return kind == "bool" and word not in ("f", "F", "false", "False")


def _left_out(part: Part) -> str:
    return (
        f"{_USERS[part]} is not set, so engine-backup would leave out {LABELS[part]} and still say 'Done.'."
        " Look at the files of /etc/ovirt-engine/engine.conf.d."
    )


def _away(part: Part, users: Mapping[str, str]) -> str:
    """The machine of a part's database when it is not this one. engine-backup knows its own machine by one word."""
    host = users.get(_USERS[part].replace("_USER", "_HOST"), "") if part in _USERS else ""
    return "" if host == "localhost" else host


def _elsewhere(part: Part, host: str) -> str:
    label = LABELS[part]
    return (
        f"{label[0].upper()}{label[1:]} is on {host}: a restore that provisions databases, as hosted-engine --deploy"
        " does, makes them on localhost alone and stops there. Rehearse the recovery with that in mind."
    )


def _values(output: Output) -> dict[str, str]:
    """NAME=value lines; the last one counts, as it does for the engine."""
    found = {}
    for line in _lines(output):
        name, mark, value = line.partition("=")
        if mark:
            found[name.strip()] = value.strip().strip("\"'")
    return found


def _space(seen: Mapping[str, Output], last_size: int | None) -> list[str]:
    target, tmp = _free(seen["target"]), _free(seen["tmp"])
    if target is None or tmp is None:
        return ["The free space for the archive or for the temporary folder could not be read."]
    need_target = int(TARGET_TIMES * last_size) if last_size else LEAST_FREE
    need_tmp = int(TMP_TIMES * last_size) if last_size else LEAST_FREE
    if target[0] == tmp[0]:
        need_target = need_tmp = need_target + need_tmp
    found = []
    for (device, free), need, what in ((target, need_target, "the archive"), (tmp, need_tmp, "the temporary folder")):
        if free < need:
            found.append(f"{device} has {free // MIB} MiB free; {what} needs about {need // MIB} MiB: free some.")
    return list(dict.fromkeys(found))[:1] if target[0] == tmp[0] else found


def _free(output: Output) -> tuple[str, int] | None:
    """Device and free bytes of `df -Pk`. A device name with spaces moves the columns, so they are counted from the
    capacity, the only word that ends in %."""
    words = (_lines(output) or [""])[-1].split()
    marks = [index for index, word in enumerate(words) if re.fullmatch(r"\d+%|-", word)]
    if output.exit_code != 0 or not marks or marks[-1] < 1 or not words[marks[-1] - 1].isdecimal():
        return None
    return " ".join(words[marks[-1] + 1 :]) or words[0], int(words[marks[-1] - 1]) * 1024


def _busy(seen: Mapping[str, Output]) -> list[str]:
    if seen["running"].exit_code != 0:
        return ["Whether another engine-backup or engine-setup runs could not be seen."]
    names = sorted(set(_lines(seen["running"])))
    return names and [f"{' and '.join(names)} runs on the engine VM; two at once can leave a corrupt archive."]


def _database(seen: Mapping[str, Output]) -> list[str]:
    said = " ".join(_lines(seen["ready"]))
    if seen["ready"].exit_code in (1, 2):
        return [f"The engine's database does not take connections ({said or 'no response'}): engine-backup needs it."]
    return []


def _stale(seen: Mapping[str, Output]) -> list[str]:
    folders = _lines(seen["stale"])
    if not folders:
        return []
    return [
        f"Left behind by a killed engine-backup, with database passwords inside: {', '.join(folders[:5])}."
        " Remove them when nobody uses them."
    ]


def _clock(seen: Mapping[str, Output], now: float) -> list[str]:
    said = _lines(seen["clock"])
    if not said or not said[-1].isdecimal():
        return ["The clock of the engine VM could not be read."]
    ahead = int(said[-1]) - now
    if abs(ahead) <= CLOCK_LIMIT:
        return []
    word = "ahead of" if ahead > 0 else "behind"
    return [f"The engine VM's clock is {abs(ahead):.0f} s {word} the portal's: look at chronyd on both."]
