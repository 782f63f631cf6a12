"""The scenes of the crash matrix: how a plan is begun in the lab, who answers its questions, how the estate stands
before and after, and what a run may leave."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from failover.catalog import release
from failover.models import Prompt, Window
from failover.services import fabric, pairs, standing, windows, windows_tick
from failover.verdicts.guard import Act, Allowed, Kind, decide
from inventory.services.reach import credentials
from inventory.services.sync import sync
from portal.connectors.engine import activate_host, shared
from portal.runs import services
from portal.runs.models import Run, RunStep
from tests.failover.matrix_table import guarded
from tests.fixtures_drill_lab import HE_HOSTS, Pair, finish
from tests.fixtures_lab import sh

# what only looks: everything else that a machine of the lab executes is an act
READS = re.compile(
    r"systemctl (is-|show|list-|status)|hosted-engine --(vm-status|check|get)|multipathd (-k)?show"
    r"|multipath -l|dmsetup status"
    r"|(cat|grep|egrep|fgrep|tail|stat|ls|find|sha256sum|df|date|uptime|uname|nproc|hostname|id|rpm|ip|lsscsi|scsi_id|sudo)\b"
    r"|(vdsm-client|sanlock|virsh|nodectl|journalctl|chronyc)\b"
    r"|sh\b"  # what a script starts counts by itself
)


@dataclass(frozen=True)
class Scene:
    """name: of the scene. plan: what it begins. begin: gives the queued Run. lost: the step whose write is lost, so
    that the step after it has something to do."""

    name: str
    plan: str
    begin: Callable[[Pair], Run]
    lost: str = ""
    open: bool = False  # the maintenance is entered before, and stays


def scenes() -> list[Scene]:
    """Every plan on a pair has one at least: a drill is asked for with its own defaults, unless it is named here."""
    made = list(MAINTENANCE)
    told = {scene.plan for scene in made}
    for plan in guarded():
        if plan.name not in told:
            made += [
                Scene(f"{plan.name}{name}", plan.name, _drill(plan.name, given))
                for name, given in GIVEN.get(plan.name, {"": {}}).items()
            ]
    return made


def _drill(plan: str, given: Mapping[str, Any]) -> Callable[[Pair], Run]:
    def begin(pair: Pair) -> Run:
        chosen = dict(given)
        if "fabric" in chosen:
            chosen["fabric"] = sorted(set(fabric.names(pairs.members_of(pair.engine)[0]).values()))[0]
        run = pair.begin(plan, chosen).run
        assert run is not None
        return run

    return begin


GIVEN: dict[str, dict[str, dict[str, Any]]] = {
    "host_power_loss": {"": {}, ", fenced": {"how": "fence"}},
    "fabric_path_loss": {"": {"fabric": "", "watch_seconds": 1}},
    "tabletop": {"": {"questions": "Who decides?\nWhere is the kit?"}},
}


def _enter(scope: str) -> Callable[[Pair], Run]:
    def begin(pair: Pair) -> Run:
        sync(pair.engine, storage=False)
        host = None if scope == "global" else pair.other
        wish = windows.Wish(scope, host, "kernel update", timezone.now() + timedelta(hours=1))
        return windows.start(pair.engine, wish, "anna")

    return begin


def _entered(pair: Pair, scope: str) -> Window:
    run = finish(_enter(scope)(pair))
    assert run.status == "succeeded", run.sentence
    windows_tick.reconcile()
    sync(pair.engine, storage=False)
    return Window.objects.select_related("engine", "host").get(enter_run=run)


def _leave(scope: str) -> Callable[[Pair], Run]:
    return lambda pair: windows.leave(_entered(pair, scope), "anna")


def _extend(pair: Pair) -> Run:
    return windows.extend(_entered(pair, "global"), timezone.now() + timedelta(hours=2), "ben", "it takes longer")


MAINTENANCE = (
    Scene("enter global", "she_maintenance_enter", _enter("global")),
    Scene("enter host", "she_maintenance_enter", _enter("host")),
    Scene("enter, a write lost", "she_maintenance_enter", _enter("global"), lost="mode_set"),
    Scene("leave global", "she_maintenance_leave", _leave("global")),
    Scene("leave host", "she_maintenance_leave", _leave("host")),
    Scene("leave, a write lost", "she_maintenance_leave", _leave("global"), lost="mode_clear"),
    Scene("extend", "she_maintenance_extend", _extend, open=True),
)


def person(pair: Pair, run: Run) -> None:
    """Does what a drill asks people for, and plays the rehearsal that a drill has started."""
    for row in Prompt.objects.filter(drill__run=run, answer=""):
        if row.step in ("cut_power", "power_on"):
            name = pair.engine.hosts.get(pk=run.parameters["on"]).name
            pair.lab.fault("power-off" if row.step == "cut_power" else "power-on", name)
        Prompt.objects.filter(pk=row.pk).update(answer="done", by="carl", at=timezone.now(), seen="Seen.")
    for other in Run.objects.filter(plan="backup_rehearse", status="queued"):
        Run.objects.filter(pk=other.pk).update(status="succeeded", sentence="Restored.", ended=timezone.now())


# --- how the estate stands


def stands(pair: Pair) -> dict[str, Any]:
    """What a run may not leave changed, from the lab's truth."""
    truth = pair.truth
    hosts = {}
    for name in HE_HOSTS:
        one = truth["hosts"][name]
        hosts[name] = {
            "flags": (one["local_maintenance"], one["local_maintenance_manual"]),
            "units": sorted(
                f"{unit} {state}" for unit, state in one["units"].items() if not unit.startswith("holdfast")
            ),
            "releases": sum(unit.startswith("holdfast-release") for unit in one["units"]),
            "paths": one["failed_paths"],
            "powered": one["powered"],
            "engine": one["engine_status"],
        }
    return {"global": truth["global_maintenance"], "engine": truth["engine_phase"], "hosts": hosts}


def differs(before: dict[str, Any], after: dict[str, Any], path: str = "") -> list[str]:
    """Where two of them differ, in words."""
    if isinstance(before, dict):
        return [line for key in before for line in differs(before[key], after[key], f"{path}{key} ")]
    return [] if before == after else [f"{path.strip()}: {before} -> {after}"]


def meant(run: Run, line: str) -> bool:
    """Whether a difference is what the plan is for: entered, or not left, which the run then says; with its release."""
    held = (run.plan, run.status) in (("she_maintenance_enter", "succeeded"), ("she_maintenance_leave", "failed"))
    # what has no undo is named, and its window can be left
    held = held or (
        run.plan == "she_maintenance_enter" and "Not undone: Take the host into maintenance" in run.sentence
    )
    return held and (
        line.startswith("global:") or line.endswith(("releases: 0 -> 1", "up -> maintenance")) or " flags:" in line
    )


def safe(run: Run) -> bool:
    """Whether an extension was turned round after the release before it was gone, and says that its own stays."""
    return run.plan == "she_maintenance_extend" and "this one stays armed" in run.sentence


def folders(pair: Pair, run: Run) -> list[str]:
    """Folders of the run that are on any machine still."""
    top = pair.lab.folder / "state"
    return [
        str(path.relative_to(top))
        for path in (*top.glob(f"hosts/*/.holdfast/{run.ref}"), *top.glob(f"engine/root/.holdfast/{run.ref}"))
    ]


def processes(run: Run) -> list[str]:
    """Processes of the run's acts that live still."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if f".holdfast/{run.ref}" in words:
                found.append(words[:100])
    return found


def doubled(pair: Pair, run: Run) -> list[str]:
    """Acts that were executed more often than the run set out to do them: commands and requests in the ledger."""
    rows = pair.lab.http("GET", f"/ledger?since={pair.ledger}")
    loud = [" ".join([row["host"], *row["argv"]]) for row in rows if row["kind"] in ("command", "post")]
    counted = Counter(line for line in loud if not READS.match(line.partition(" ")[2]))
    return [f"{number} x {line}" for line, number in counted.items() if number > _allowed(run, line.partition(" ")[2])]


def _allowed(run: Run, line: str) -> int:
    """How many of the run's acts and begun undos have this line in them."""
    number = 0
    for row in RunStep.objects.filter(run=run, intended_at__isnull=False):
        undone = row.undo if row.phase in ("undo_intent", "undoing") or row.state in ("undone", "undo_failed") else []
        number += (
            sum(_has(entry, line) for entry in row.act)
            + sum(_has(entry, line) * _tries(entry) for entry in undone) * row.undo_attempt
        )
    return number


def _tries(entry: Mapping[str, Any]) -> int:
    """How often an undo tries by itself while it does not see its effect."""
    return release.UNDO_TRIES if release.END in entry.get("argv", []) else 1


def _has(entry: Mapping[str, Any], line: str) -> bool:
    words = line.split()
    if "work" in entry:
        return words[0] == "POST"
    argv = entry.get("argv", [])
    if argv[:2] == ["sh", "-c"]:
        return words[0] in argv[2]
    return list(argv) == words


# --- the lab as it was


def restore(pair: Pair) -> None:
    """No fault, no flag, no release, everything on, the pair healthy."""
    pair.lab.http("DELETE", "/faults")
    for name in HE_HOSTS:
        if not pair.truth["hosts"][name]["powered"]:
            pair.lab.fault("power-on", name)
    _until(lambda: all(_on(pair, name, "true") == 0 for name in HE_HOSTS))
    for name in HE_HOSTS:
        _mend(pair, name)
    if pair.truth["engine_phase"] == "503":
        pair.lab.fault("restart-engine-service", "engine")
    _until(lambda: _healthy(pair), 90)


def _mend(pair: Pair, name: str) -> None:
    one = pair.truth["hosts"][name]
    for unit in one["units"]:
        if unit.startswith("holdfast-release"):
            _on(pair, name, f"systemctl stop {unit}")
    if one["agent"] != "running" or one["units"].get("ovirt-ha-broker") != "active":
        _on(pair, name, "systemctl start ovirt-ha-broker ovirt-ha-agent")
    for line in sorted(row for row in _offline(pair, name)):
        _on(pair, name, f"printf 'running\\n' | tee {line} >/dev/null")


def _offline(pair: Pair, name: str) -> list[str]:
    """The state files that somebody wrote offline to and not running after."""
    last: dict[str, str] = {}
    for row in pair.lab.http("GET", f"/ledger?since={pair.ledger}"):
        if row["host"] == name and row["argv"][0] == "tee" and row["argv"][1].startswith("/sys/"):
            last[row["argv"][1]] = row["argv"][-1].strip()
    return [path for path, word in last.items() if word == "offline"]


def _healthy(pair: Pair) -> bool:
    truth = pair.truth
    hosts = [truth["hosts"][name] for name in HE_HOSTS]
    if truth["global_maintenance"] or any(one["local_maintenance"] or one["local_maintenance_manual"] for one in hosts):
        for name in HE_HOSTS:
            _on(pair, name, "hosted-engine --set-maintenance --mode=none")
        return False
    if truth["engine_phase"] != "up":
        return False
    for name, one in zip(HE_HOSTS, hosts, strict=True):
        if one["engine_status"] == "maintenance":
            activate_host(
                shared(credentials(pair.engine)), pair.engine.hosts.get(name=name).uuid, correlation_id="tests"
            )
    fine = all(
        one["score"] and one["state"] in ("EngineUp", "EngineDown") and one["engine_status"] == "up" for one in hosts
    )
    return fine and pair.ready() and isinstance(decide(standing.live(pair.engine), Act(Kind.GLOBAL_ENTER)), Allowed)


def _on(pair: Pair, name: str, script: str) -> int:
    number = [each["name"] for each in pair.lab.estate["hosts"]].index(name)
    with suppress(Exception), pair.lab.connect(number) as client:
        return sh(client, script)[0]
    return -1


def _until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "the lab does not become healthy"
        time.sleep(0.05)


def forget(pair: Pair) -> None:
    """The portal's records, so that the next run of a test is not in the way of the last one."""
    for run in Run.objects.filter(status__in=Run.ACTIVE):
        services.abort(run.pk, "anna", "The test goes on.")
        finish(run)
    Window.objects.exclude(state__in=("ended", "failed")).update(state="ended")
