"""Runs engine-backup to its end, detached on the engine VM, alone, into a name that nobody takes for a backup.

Why not simply `engine-backup --file=...`: two runs at once corrupt one archive and both end well; a killed one leaves a
file under the final name, a folder with all database passwords and a pg_dump (facts/engine-backup.md 0.6 to 0.8, 3).
So it writes a partial, keeps a lock that its children inherit, works in a temporary folder that is removed whatever
happens, and the archive gets its name last, when its SHA-256 stands beside it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from backups.catalog import names
from portal.kernel.command import Command
from portal.kernel.step import ACT, LOST, Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, go, wait

MARGIN = 300  # seconds for hashing, beside engine-backup's own limit
NOT_STARTED = 90  # the script's exit code when engine-backup was not started; stderr says why

_SCRIPT = """umask 077
d=$1 partial=$2 final=$3 log=$4 tmp=$5 limit=$6
shift 6
no() { echo "holdfast: $1" >&2; exit 90; }
mkdir -p "$d" || no "the folder $d cannot be made"
exec 9>>"$d/.holdfast.lock" || no "the lock in $d cannot be opened"
flock -n 9 || no "another backup of this engine holds the lock in $d, or what it started still runs"
[ ! -e "$final" ] || no "$final is there already"
mkdir "$tmp" || no "the temporary folder $tmp cannot be made"
timeout -k 30 "$limit" engine-backup --mode=backup "$@" --file="$partial" --log="$log" --tmpdir="$tmp" &
p=$!
wait "$p"
r=$?
# a killed engine-backup leaves its pg_dump running: timeout(1) made a group of its own for both
kill -TERM -- "-$p" 2>/dev/null && sleep 2 && kill -KILL -- "-$p" 2>/dev/null
rm -rf "$tmp"
[ "$r" = 0 ] || exit "$r"
sync "$partial" 2>/dev/null
s=$(sha256sum "$partial") || exit 91
echo "${s%% *}" >"$final.sha256" && mv "$partial" "$final" || exit 91
sync "$d" 2>/dev/null
exit 0
"""

_UNDO = """rm -rf "$1" && rm -f "$2" "$3" "$3.sha256"
"""


def final(parameters: Parameters) -> str:
    """The archive on the engine VM."""
    return names.archive(parameters["directory"], parameters["ident"])


def temporary(parameters: Parameters) -> str:
    """The folder in which engine-backup makes its own: named after the backup, so what it leaves behind is found."""
    place = parameters["tmp_directory"] or "/tmp"  # noqa: S108  engine-backup's own default
    return posixpath.join(place, f"{names.PREFIX}{parameters['ident']}.tmp")


def log(parameters: Parameters) -> str:
    """engine-backup's log of this run."""
    return names.log(parameters["directory"], parameters["ident"])


def _partial(parameters: Parameters) -> str:
    return names.partial(parameters["directory"], parameters["ident"])


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"archive": Command(("test", "-s", final(parameters)), root=True)}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    act = seen.get(ACT)
    if act is not None and act.exit_code is not None:
        return done(f"engine-backup has ended with exit code {act.exit_code}; what it printed is judged next.")
    if seen["archive"].exit_code == 0 and act is None:
        return done("The archive of this backup is there already.")
    if LOST in seen:
        return failed("engine-backup was killed, or the engine VM went down while it ran: nobody saw its end.")
    last = (act.stdout.decode("utf-8", "replace").strip().splitlines() if act else [])[-1:]
    return wait(f"engine-backup runs: {last[0]}" if last else "engine-backup has printed nothing yet.")


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    if seen["archive"].exit_code is None:
        return wait("The folder for archives on the engine VM could not be looked at.")
    return go("There is no archive of that name yet.")


def _act(parameters: Parameters) -> tuple[Command, ...]:
    limit = int(parameters["timeout"])
    scope = parameters["scope"].split(",") if parameters["scope"] else ["all"]
    words = (parameters["directory"], _partial(parameters), final(parameters), log(parameters), temporary(parameters))
    flags = (str(limit), *(f"--scope={word}" for word in scope))
    return (Command(("sh", "-c", _SCRIPT, "sh", *words, *flags), timeout=limit + MARGIN, root=True),)


def _undo(parameters: Parameters) -> tuple[Command, ...]:
    words = (temporary(parameters), _partial(parameters), final(parameters))
    return (Command(("sh", "-c", _UNDO, "sh", *words), timeout=60, root=True),)


STEP = Step(
    name="take",
    title="Run engine-backup to its end",
    mutating=True,
    looks=_looks,
    ready=_ready,
    act=_act,
    settled=_settled,
    undo=_undo,
    patience=7 * 24 * 3600,  # its own time limit, in the parameters, ends it before
    every=2,
    expected=60,
)
