"""The dead-man's release: what a host does by itself when nobody ends a maintenance in time, not even the portal.

It is armed before the maintenance is set, and disarmed after it was left. A systemd timer where systemd-run is there, a
detached sleep elsewhere; neither outlives a restart of the host. It looks first, so one that nobody disarmed changes
nothing. It repeats itself, since a flag's write may be lost with exit code 0 (facts/hosted-engine.md 4, traps 3, 4)."""

from __future__ import annotations

import re

from portal.kernel.command import Command
from portal.kernel.output import Output

TRIES = 20  # how often the release tries on its own, some half minute apart
UNDO_TRIES = 4
HA_CONF = "/var/lib/ovirt-hosted-engine-ha/ha.conf"
_UNIT = re.compile(r"holdfast-release-[0-9a-f-]{36}")

# $1 scope, $2 seconds until a write is seen, $3 tries, $4 "look": an end without an act when nothing is set.
# Neither ${...} nor $$ stands in it: systemd would replace them in the words of a service.
END = f"""scope=$1 lag=$2 tries=$3
clean() {{
if [ "$scope" = global ]; then
timeout -k 5 30 hosted-engine --vm-status --json 2>/dev/null | grep -q '"global_maintenance": false'
else
flags=$(cat {HA_CONF}) || return 1
case $flags in *=[Tt]rue*) return 1 ;; esac
fi
}}
[ "$4" = look ] && clean && exit 0
i=0
while [ "$i" -lt "$tries" ]; do
timeout -k 5 60 hosted-engine --set-maintenance --mode=none
sleep "$lag"
clean && exit 0
i=$((i + 1))
done
echo "maintenance is still set after $tries tries" >&2
exit 1
"""

# $1 unit, $2 seconds, the rest: what it runs. It is armed once its pid is there: what is taken away before would
# begin all the same, unseen.
_ARM = """name=$1 after=$2
shift 2
systemctl is-active --quiet "$name.timer" >/dev/null 2>&1 && exit 0
if command -v systemd-run >/dev/null; then
systemd-run --unit="$name" --on-active="${after}s" --timer-property=AccuracySec=1s -- "$@" && exit 0
fi
command -v setsid >/dev/null || { echo "neither systemd-run nor setsid is there" >&2; exit 77; }
umask 077
mkdir ".$name" || exit 77
setsid sh -c 'echo $$ >"$0/pid" || exit 1; s=$1; shift; sleep "$s"; "$@"' ".$name" "$after" "$@" \\
</dev/null >/dev/null 2>&1 &
i=0
while [ ! -s ".$name/pid" ]; do
[ "$i" -lt 100 ] || { echo "the detached release did not begin" >&2; exit 77; }
sleep 0.2
i=$((i + 1))
done
"""

_MINE = """mine() {
{ read -r p <".$1/pid"; } 2>/dev/null || return 1
{ tr '\\0' ' ' <"/proc/$p/cmdline"; } 2>/dev/null | grep -q -F -e "$1"
}
"""

_STATE = f"""{_MINE}if systemctl is-active --quiet "$1.timer" >/dev/null 2>&1; then echo timer
elif systemctl is-active --quiet "$1.service" >/dev/null 2>&1; then echo releasing
elif mine "$1"; then echo detached
else echo none
fi
"""

_TAKE = """systemctl stop "$1.timer" 2>/dev/null
systemctl reset-failed "$1.service" 2>/dev/null
mine "$1" && kill -TERM "-$p"
rm -rf ".$1"
if systemctl is-active --quiet "$1.timer" >/dev/null 2>&1; then echo "$1.timer is still there" >&2; exit 1; fi
"""

_DISARM = f"{_MINE}{_TAKE}"

# $1 the newer release, $2 the one before it. There is no moment without one: the newer one goes only while the one
# before it is armed still.
_BACK = f"""{_MINE}held() {{
systemctl is-active --quiet "$1.timer" >/dev/null 2>&1 && return 0
systemctl is-active --quiet "$1.service" >/dev/null 2>&1 || mine "$1"
}}
held "$1" || exit 0
held "$2" || {{ echo "the release before it is gone, so this one stays armed" >&2; exit 4; }}
{_TAKE}"""


def unit(run: str) -> str:
    """The release's name, after the Run that armed it."""
    return f"holdfast-release-{run}"


def problem(name: str) -> str:
    """ "" or why the text names no release. "" itself names none, and is taken."""
    return "" if not name or _UNIT.fullmatch(name) else f"{name[:80]!r} does not name a release."


def end(scope: str, lag: int) -> Command:
    """Ends the maintenance on the host where it was set, and makes sure: the undo of having set it. lag: seconds until
    a write is seen."""
    words = ("sh", "-c", END, "holdfast-end", scope, str(lag), str(UNDO_TRIES), "act")
    return Command(words, timeout=UNDO_TRIES * (lag + 100) + 30, root=True)


def arm(name: str, after: int, scope: str, lag: int) -> Command:
    """Arms the release for `after` seconds from now. Arming twice is harmless."""
    what = ("/bin/sh", "-c", END, name, scope, str(lag), str(TRIES), "look")
    return Command(("sh", "-c", _ARM, "holdfast-arm", name, str(after), *what), timeout=30, root=True)


def state(name: str) -> Command:
    """Looks whether the release is there."""
    return Command(("sh", "-c", _STATE, "holdfast-state", name), timeout=10, root=True)


def disarm(name: str) -> Command:
    """Takes the release away; harmless when there is none."""
    return Command(("sh", "-c", _DISARM, "holdfast-disarm", name), timeout=30, root=True)


def back(name: str, before: str) -> Command:
    """Takes a newer release away while the one before it is armed; ends with 4 and keeps it when that one is gone."""
    return Command(("sh", "-c", _BACK, "holdfast-back", name, before), timeout=30, root=True)


def armed(output: Output) -> bool | None:
    """Reads the answer to `state`: True while the release is due or at work; None when it did not answer."""
    words = output.stdout.decode("ascii", "replace").split()
    if output.exit_code != 0 or len(words) != 1:
        return None
    return words[0] in ("timer", "releasing", "detached")
