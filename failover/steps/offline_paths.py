"""Takes the paths of one host through one fabric offline, on the host's side and reversibly; the other fabric carries
on (facts/luns-and-tuning.md 0). Only paths that were declared and that the drill names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from failover.catalog import paths
from failover.catalog.pair import member
from inventory.probes import multipath
from inventory.probes.multipath import MultipathFacts
from portal.kernel.command import Command
from portal.kernel.output import ParseError
from portal.kernel.step import ACT, Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, go, wait

_HCTL = re.compile(r"\d{1,5}:\d{1,5}:\d{1,5}:\d{1,10}")
# tee writes, so that the same line works through sudo. The script checks its own words, since sudoers lets any number
# of them in (portal.kernel.sudoers). A device that is gone keeps no other from its word. Each is read back: what was
# written with exit code 0 and did not come to pass ends it with 1 and the device's name.
_SCRIPT = """word=$1
shift
for path in "$@"; do
    case $path in *[!0-9:]* | "") echo "no SCSI address: $path" >&2; exit 2 ;; esac
done
bad=0
for path in "$@"; do
    file="/sys/class/scsi_device/$path/device/state"
    printf '%s\\n' "$word" | tee "$file" >/dev/null
    now=$(cat "$file")
    [ "$now" = "$word" ] || { echo "$path is ${now:-gone}, not $word" >&2; bad=1; }
done
exit "$bad"
"""


def problem(text: str) -> str:
    """ "" or why the parameter names no paths."""
    words = text.split(",")
    odd = next((word for word in words if not _HCTL.fullmatch(word)), None)
    if odd is not None:
        return f"{odd[:40]!r} is no SCSI address such as 3:0:1:12."
    return "A path is named twice." if len(set(words)) != len(words) else ""


def chosen(parameters: Parameters) -> frozenset[str]:
    """SCSI addresses of the paths, from the parameter `paths`. Raises ValueError."""
    if why := problem(str(parameters["paths"])):
        raise ValueError(why)
    return frozenset(str(parameters["paths"]).split(","))


def set_to(word: str, parameters: Parameters) -> tuple[Command, ...]:
    """The command that writes a word to the state of every chosen path."""
    argv = ("sh", "-c", _SCRIPT, "sh", word, *sorted(chosen(parameters)))
    return (Command(argv, timeout=120, root=True),)


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """The host's multipath maps."""
    return dict(multipath.COMMANDS)


def maps(seen: Seen) -> MultipathFacts | str:
    """The maps, or why they cannot be read."""
    try:
        return paths.read(seen)
    except ParseError as error:
        return str(error)


def bare(facts: MultipathFacts, without: frozenset[str]) -> list[str]:
    """LUNs that have no good path when some are left out."""
    return [
        one.wwid
        for one in facts.maps
        if one.paths and not any(path.standing == "up" and path.hctl not in without for path in one.paths)
    ]


def standing(facts: MultipathFacts, parameters: Parameters) -> dict[str, str]:
    """How each chosen path stands: up, down, unclear, or gone when no map lists it."""
    found = {path.hctl: str(path.standing) for one in facts.maps for path in one.paths}
    return {hctl: found.get(hctl, "gone") for hctl in chosen(parameters)}


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    facts, on = maps(seen), member(parameters, "on")
    if isinstance(facts, str):
        return wait(f"The maps of {on.name} cannot be read: {facts}")
    left = bare(facts, chosen(parameters))
    if left:
        return failed(f"{left[0]} on {on.name} would have no good path left ({len(left)} LUNs). Nothing was done.")
    now = standing(facts, parameters)
    odd = sorted(hctl for hctl, word in now.items() if word != "up")
    if odd:
        return failed(f"Path {odd[0]} of {on.name} is {now[odd[0]]} already. Nothing was done.")
    return go(f"Every LUN of {on.name} keeps good paths through the other fabric.")


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    act, on = seen.get(ACT), member(parameters, "on")
    if act is None:
        return wait(f"The paths of {on.name} are in use.")
    if act.exit_code not in (0, None):
        return failed(f"{on.name} did not take the paths offline (exit code {act.exit_code}): {act.error_line()}")
    facts = maps(seen)
    if isinstance(facts, str):
        return wait(f"The maps of {on.name} cannot be read: {facts}")
    left = bare(facts, frozenset())
    if left:
        return failed(f"{left[0]} on {on.name} has no good path: the paths are given back at once.")
    still = sorted(hctl for hctl, word in standing(facts, parameters).items() if word not in ("down", "gone"))
    if still:
        return wait(f"{len(still)} paths of {on.name} are not offline yet, the first {still[0]}.")
    return done(f"{len(chosen(parameters))} paths of {on.name} are offline; every LUN has good paths left.")


STEP = Step(
    name="offline_paths",
    title="Take the fabric's paths offline",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=looks,
    ready=_ready,
    act=lambda parameters: set_to("offline", parameters),
    settled=_settled,
    undo=lambda parameters: set_to("running", parameters),
    patience=120,
    every=2,
    expected=15,
)
