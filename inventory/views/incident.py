"""The incident page: the overview while the engine fails over, is down or seen twice, or a host of it is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inventory.models import Host, Look
from inventory.services.looks import every
from inventory.services.pages_engine import Seen
from inventory.services.pages_incident import BAD_PAGE
from inventory.verdicts.incident import Course, Scene
from inventory.verdicts.incident_acts import Incident, named
from inventory.verdicts.incident_phases import waits_for_lease
from inventory.verdicts.luns import Part
from inventory.verdicts.she import STARTING_STATES
from inventory.verdicts.she_rows import HostRow
from inventory.views.answers import Tile
from inventory.views.engine import state_of
from inventory.views.phase_bar import Bar, bar

SHOWN = 3  # hosts side by side; the others stand on the engine's page
TILES = 6
LIVE_IDS = "Live host ids"

Parts = Mapping[int, Part]


@dataclass(frozen=True)
class Column:
    """One host. last: its stale record in words, "" when its record is of now; facts: name and words, in order."""

    row: HostRow
    host: Host | None
    look: Look | None
    state: str
    word: str
    lost: bool
    answered: datetime | None
    facts: list[tuple[str, str]]


def context(one: Seen, found: Incident, tiles: Sequence[Tile], parts: Parts) -> dict[str, Any]:
    """What the template needs beside what the calm overview has. parts: host pk -> its part of the LUN verdict."""
    scene = found.scene
    columns = [_column(one, scene, row, parts) for row in scene.rows]
    drawn: Bar | None = bar(found.phases, scene.elapsed) if found.phases else None
    return {
        "incident": found,
        "state": "running" if scene.course is Course.AGENT_STOPPED else "fail",
        "headline": found.headline,
        "lead": found.sentence,
        "began": datetime.fromtimestamp(found.since, UTC) if found.since is not None else None,
        "face": face(scene.elapsed),
        "bar": drawn,
        "site": one.engine.site.name,
        "columns": columns[:SHOWN],
        "more_hosts": len(columns) - SHOWN,
        "tiles": _tiles(one, scene, tiles),
    }


def face(seconds: float) -> str:
    """01:42, 1:02:03 from an hour on. The same rule counts on in times.js."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _column(one: Seen, scene: Scene, row: HostRow, parts: Parts) -> Column:
    side = one.sides.get(row.host)
    silence = next((each for each in scene.moments.silences if each.host == row.host), None)
    state, word, stale = state_of(row)
    if silence is not None:
        state, word, stale = "fail", "Not answering", True
    look = side.look if side else None
    answered = look.answered_at if look else None
    if silence is not None:
        answered = datetime.fromtimestamp(silence.answered, UTC)
    elif state == "ok" and row.claims and not row.serves:
        state = "fail"  # it could take over, but it has the engine VM and that does not serve
    elif row is scene.serving and scene.moments.page:
        state = "ok"  # its record and the engine's own page agree
    facts = _stale_facts(row) if stale else _facts(one, scene, row)
    facts.append(("live-data", _live_words(scene, row)))
    if silence is not None:
        facts.append(("SSH", silence.why.removeprefix(f"{row.host} ").split(". ")[0].rstrip(".")))
    facts.append(("Paths", _paths(parts.get(side.host.pk) if side else None)))
    return Column(row, side.host if side else None, look, state, word, stale, answered, facts)


def _stale_facts(row: HostRow) -> list[tuple[str, str]]:
    if row.record is None:
        return [("Last state", "no record is readable")]
    return [("Last state", f"{row.record.state or 'no state'}, {row.record.score} (stale, not used)")]


def _facts(one: Seen, scene: Scene, row: HostRow) -> list[tuple[str, str]]:
    record = row.record
    named_ = ", ".join(f"−{each.points} {each.reason}" for each in row.penalties) or "no penalty"
    found = [("Score", "not known" if row.score is None else f"{row.score}, {named_}")]
    if record is not None:
        tail = record.reason if record.vm == "down" and record.reason else record.detail
        words = [record.vm, record.health, tail] if record.vm != "down" else [record.vm, tail]
        found.append(("Engine VM", ", ".join(word for word in words if word) or "not known"))
    if row in (scene.starter, scene.serving) or scene.lost is not None:
        found.append(("Engine page", _page(one)))
    return found


def _page(one: Seen) -> str:
    polled = f"asked every {every('engine_health'):.0f} s"
    kind = one.health.health.kind if one.health is not None else ""
    if kind == "good":
        return f"DB Up, {polled}"
    words = {"unreachable": "no answer", "starting": "starting or stopped", "db_down": "database down"}
    return f"{words[kind]}, {polled}" if kind in BAD_PAGE else "not known"


def _live_words(scene: Scene, row: HostRow) -> str:
    """Who calls its record live. A host that cannot see is not counted."""
    facts = next((fact for fact in scene.verdict.observers if fact.fact == LIVE_IDS), None)
    answers = {told.observer: told.answer for told in facts.answers} if facts is not None else {}
    seeing = {host: words for host, words in answers.items() if not words.startswith("not ")}
    yes = [host for host, words in seeing.items() if str(row.he_host_id) in words.split(", ")]
    no = [host for host in seeing if host not in yes]
    if yes and no:
        return f"true by {named(yes)}, false by {named(no)}"
    if not yes and not no:
        return "not known, nobody can see"
    return f"true, seen by {named(yes)}" if yes else f"false, seen by {named(no)}"


def _paths(part: Part | None) -> str:
    if part is None or not part.hosts:
        return "not known"
    return f"{part.working} of {part.declared} active"


def _tiles(one: Seen, scene: Scene, tiles: Sequence[Tile]) -> list[Tile]:
    """The incident's own answers first, then what is worst, then what was looked at."""
    own = [_engine_back(one, scene, tiles[0])]
    if scene.silence is not None:
        own.insert(0 if own[0].state == "ok" else 1, _vms_stopped(scene))
    order = {"fail": 0, "warn": 1, "running": 1}
    rest = sorted(tiles[1:], key=lambda tile: (order.get(tile.state, 2), tile.at is None))
    return [*own, *rest][:TILES]


def _engine_back(one: Seen, scene: Scene, tile: Tile) -> Tile:
    since = datetime.fromtimestamp(scene.moments.lost, UTC) if scene.moments.lost is not None else None
    at = one.health_look.at if one.health_look else None
    url = f"/engine/?engine={one.engine.pk}"
    if scene.serving is not None or scene.moments.page:
        back = scene.moments.back
        when = datetime.fromtimestamp(back, UTC) if back is not None and (scene.since or 0) < back else None
        on = f"It answers on {scene.serving.host}." if scene.serving else "Its health page says DB Up."
        return Tile("ok", "OK", "Does the engine answer?", "Yes", f"{on} {tile.sentence}", url, at, when)
    starting = scene.starter is not None and scene.starter.state in STARTING_STATES
    running = starting or scene.course in (Course.VM_ENDED, Course.HOST_LOST)
    state, word = ("running", "Failing over") if running else ("fail", "Down")
    return Tile(state, word, "Is the engine back?", "Not yet", _not_back(scene), url, at, since)


def _not_back(scene: Scene) -> str:
    """What it waits for, where that is a host's death or its lease; else the verdict's own words."""
    if scene.course is not Course.HOST_LOST:
        return scene.verdict.sentence
    host, starter = scene.subject.host, scene.starter
    if starter is None or starter.record is None:
        return f"HA starts the engine VM elsewhere once it has declared {host} dead."
    at = f"{starter.host} is at {starter.state or 'no state'}, {starter.record.detail or 'no detail'}."
    waits = f"It waits for the lease that {host} held." if waits_for_lease(scene) else "Guest and engine are starting."
    return f"{at} {waits}"


def _vms_stopped(scene: Scene) -> Tile:
    """No answer of a host is no proof that its VMs are stopped (facts/hosted-engine.md 6 d)."""
    silence = scene.silence
    names = silence.vms if silence else ()
    host = scene.subject.host
    many = len(names) != 1
    question = f"{'Are' if many else 'Is'} {named(names) if names else 'the VMs'} stopped on {host}?"
    words = f"{host} does not answer, and Holdfast asks no power management. Two proofs are needed."
    answered = datetime.fromtimestamp(silence.answered, UTC) if silence else None
    url = f"/vms/?host={host}"
    return Tile("unknown", "Unknown", question, "Not known", words, url, None, answered, answered, "The VMs")
