"""The six answers of the overview. What nobody looks at yet is said as not known, with what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from inventory.services.pages_engine import Seen
from inventory.services.pages_redundancy import Redundancy
from inventory.services.told import Told
from inventory.verdicts import she
from inventory.verdicts.answer import Answer, Word
from portal.kernel.outcome import Outcome, worst
from portal.kernel.words import span


@dataclass(frozen=True)
class Tile:
    """One answer as its tile shows it. at: age of the oldest look it rests on; last: last known, no proof."""

    state: str
    word: str
    question: str
    answer: str
    sentence: str
    url: str
    at: datetime | None = None
    since: datetime | None = None
    last: datetime | None = None
    link: str = "Evidence"


STATE_WORDS = {"ok": "OK", "warn": "Warning", "fail": "Failed", "unknown": "Unknown"}
GRAVE = {she.Kind.FAILING_OVER: ("running", "Failing over")}


def tiles(
    engines: Sequence[Seen], paths: Redundancy, site: str, rebuilt: Told | None, proven: Told | None = None
) -> list[Tile]:
    """All six, in their order."""
    return [
        _host_loss(engines),
        _tile("Does every LUN survive the loss of any one element?", paths.answer, _proof(paths), paths.oldest),
        _rebuilt(rebuilt),
        _lost(site, paths),
        _proven(proven),
        _tuned(paths),
    ]


def _tile(question: str, answer: Answer, url: str, at: datetime | None) -> Tile:
    word = str(answer.word.value)
    if answer.word is Word.YES and answer.outcome is Outcome.WARN:
        word = "Yes, with a gap"
    state = answer.outcome.value
    return Tile(state, STATE_WORDS[state], question, word, answer.sentence, url, at)


def _proof(paths: Redundancy) -> str:
    return "/redundancy/" if paths.by_proof else "/luns/"


def _host_loss(engines: Sequence[Seen]) -> Tile:
    question = "Would the engine survive the loss of a host?"
    if not engines:
        words = "No engine is watched. An administrator adds one; looks begin with its first sync."
        return Tile("unknown", "Unknown", question, "Not known", words, "/engine/")
    first = gravest(engines)
    answer = she.survive_host_loss(first.verdict)
    if answer.outcome is Outcome.WARN:  # the gap belongs into the tile
        answer = replace(answer, sentence=first.verdict.sentence)
    tile = _tile(question, answer, f"/engine/?engine={first.engine.pk}", first.oldest)
    shape = GRAVE.get(first.verdict.kind)
    if shape is None:
        return tile
    return Tile(*shape, question, tile.answer, tile.sentence, tile.url, tile.at)


def gravest(engines: Sequence[Seen]) -> Seen:
    """The engine that a person must see first."""
    return by_gravity(engines)[0]


def by_gravity(engines: Sequence[Seen]) -> list[Seen]:
    """The engine that a person must see first, then the others in their order."""
    bad = worst(one.verdict.outcome for one in engines)
    return sorted(engines, key=lambda one: one.verdict.outcome is not bad)


def _lost(site: str, paths: Redundancy) -> Tile:
    question = f"What would be lost if site {site} were lost now?"
    if paths.loss is None:
        words = "No array is declared, so no replication is looked at. Data Guard is not asked yet."
        return Tile("unknown", "Unknown", question, "Not known", words, "/devices/", link="What is missing")
    word, outcome, sentence = paths.loss
    return Tile(outcome.value, STATE_WORDS[outcome.value], question, word, sentence, "/replication/")


def _tuned(paths: Redundancy) -> Tile:
    question = "Do the Oracle VMs run as declared?"
    if paths.tuned is None:
        words = "No Oracle VM is declared, so no settings are looked at."
        return Tile("unknown", "Unknown", question, "Not known", words, "/tuning/", link="What is missing")
    return _tile(question, paths.tuned, "/tuning/", None)


def _rebuilt(found: Told | None) -> Tile:
    question = "Could the engine be rebuilt from a backup?"
    if found is None:
        words = "Holdfast takes no engine backups here."
        return Tile("unknown", "Unknown", question, "Not known", words, "/backups/", link="What is missing")
    tile = _tile(question, found.answer, found.url, found.at)
    return replace(tile, since=found.since, last=found.last, link=found.link)


def headline(engines: Sequence[Seen], paths: Answer, shown: Sequence[Tile]) -> tuple[str, str, str]:
    """State, headline of at most twelve words, and sentence: the worst of the answers."""
    if not engines:
        return "unknown", "Nothing is watched yet", "No engine is known. An administrator adds the first one."
    first = gravest(engines)
    if first.verdict.outcome is Outcome.FAIL:
        return "fail", first.verdict.headline, first.verdict.sentence
    if paths.outcome is Outcome.FAIL:
        return "fail", "A LUN would not survive the next loss", paths.sentence
    state = worst(Outcome(tile.state) for tile in shown if tile.state != "running").value
    base = _base(first, paths)
    parts = [base]
    for each, one, more in COUNTED:
        count = sum(tile.state == each for tile in shown)
        if count:
            parts.append(one if count == 1 else f"{WORDS[count]} {more}")
    return state, ", ".join(parts), _lead(first, paths, shown)


COUNTED = (
    ("fail", "one failure", "failures"),
    ("warn", "one warning", "warnings"),
    ("unknown", "one answer not known", "answers not known"),
)
WORDS = ("no", "one", "two", "three", "four", "five", "six")


def _base(first: Seen, paths: Answer) -> str:
    kept = first.verdict.kind in (she.Kind.PROTECTED, she.Kind.DEGRADED)
    if kept and paths.word is Word.YES:
        return "Engine and LUNs protected"
    if kept:
        return "Engine protected, LUNs not known"
    return first.verdict.headline


def _lead(first: Seen, paths: Answer, shown: Sequence[Tile]) -> str:
    failed = next((tile for tile in shown if tile.state == "fail"), None)
    if failed is not None:
        return failed.sentence
    if first.verdict.outcome is not Outcome.OK:
        return first.verdict.sentence
    if paths.outcome is not Outcome.OK:
        return paths.sentence
    return f"{first.verdict.sentence} {paths.sentence}"


def _proven(found: Told | None) -> Tile:
    question = "When was failover last proven?"
    if found is None:
        words = "Holdfast drills nothing here. A failover that nobody measured proves nothing."
        return Tile("unknown", "Unknown", question, "Not known", words, "/drills/", link="What is missing")
    tile = _tile(question, found.answer, found.url, found.at)
    answer = tile.answer if found.since is None else f"{span((timezone.now() - found.since).total_seconds())} ago"
    return replace(tile, answer=answer, since=found.since, last=found.last, link=found.link)
