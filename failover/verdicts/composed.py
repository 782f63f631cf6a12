"""The static check of a plan that people composed: why its order is not safe, one sentence per reason. What each step
needs, takes away and gives back stands beside it in failover/catalog/traits.py; every built-in drill passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from failover.catalog.traits import GIVEN, Trait, breaks, trait
from portal.kernel.step import Step
from portal.kernel.words import span

MOST = 40  # steps of one plan
ASKING_AWAY = 1800.0  # seconds that people are asked for while something is away
CLOSING = ("wait_scores_back", "fingerprint_after", "closing_checks")


@dataclass(frozen=True)
class _Order:
    """The steps in their order, from 0."""

    steps: tuple[Step, ...]

    def at(self, name: str) -> int | None:
        return next((index for index, step in enumerate(self.steps) if step.name == name), None)

    def of(self, index: int) -> Trait:
        return trait(self.steps[index].name)

    def said(self, index: int) -> str:
        return f"Step {index + 1} ({self.steps[index].title})"

    def every(self) -> Iterator[tuple[int, Step, Trait]]:
        for index, step in enumerate(self.steps):
            yield index, step, trait(step.name)

    @property
    def broken(self) -> list[int]:
        """The injections."""
        return [index for index, step in enumerate(self.steps) if breaks(step.name)]

    @property
    def acting(self) -> list[int]:
        """The steps that change something."""
        return [index for index, step in enumerate(self.steps) if step.mutating]

    def away(self, index: int) -> dict[str, int]:
        """What is away when a step begins -> the step that took it."""
        held: dict[str, int] = {}
        for earlier in range(index):
            held |= dict.fromkeys(self.of(earlier).takes, earlier)
            held = {what: taken for what, taken in held.items() if what not in self.of(earlier).gives}
        return held


def wrong(steps: Sequence[Step]) -> tuple[str, ...]:
    """Why these steps in this order are no safe plan; () when they are. Steps are known to the catalog of traits."""
    order = _Order(tuple(steps))
    return tuple(dict.fromkeys(sentence for rule in RULES for sentence in rule(order)))


def _something(order: _Order) -> Iterator[str]:
    if not order.steps:
        yield "The plan has no steps."
    elif not any(each.kind for _, _, each in order.every()):
        yield "No step breaks, rehearses or asks anything, so there is nothing to drill: add one."
    if len(order.steps) > MOST:
        yield f"The plan has {len(order.steps)} steps; at most {MOST} are taken."


def _once(order: _Order) -> Iterator[str]:
    for index, step, _ in order.every():
        first = order.at(step.name)
        if first != index and first is not None:
            yield f"{order.said(index)} stands already as step {first + 1}: a step is done once in a drill."


def _given(order: _Order) -> Iterator[str]:
    for index, _, each in order.every():
        missing = [name for name in each.needs if name not in GIVEN]
        if missing:
            words = f"{order.said(index)} needs {' and '.join(missing)}, which nobody gives to a drill"
            yield f"{words}: maintenance is entered and left on its own page, with an owner and a deadline."


def _alone(order: _Order) -> Iterator[str]:
    if len(order.broken) > 1:
        first, second = order.said(order.broken[0]), order.said(order.broken[1])
        why = "both hosts could be down at once, and nobody could tell which one the clock measured"
        yield f"{first} and {second} both break something, and {why}: make two plans of it."


def _looked(order: _Order) -> Iterator[str]:
    ready = order.at("ready_again")
    if ready is None:
        yield "No step looks at the prechecks again: what was ready when the drill was asked for may have changed."
        return
    early = [index for index in range(ready) if order.steps[index].mutating or not order.of(index).ignorable]
    if early:
        words = f"{order.said(early[0])} stands before the prechecks are looked at again"
        yield f"{words}: only questions to people may."


def _fresh(order: _Order) -> Iterator[str]:
    """What was looked at right before is not old when something is broken."""
    ready = order.at("ready_again")
    for index in order.broken:
        between = [at for at in range(ready or 0, index) if ready is not None and _waits(order, at)]
        if between:
            words = f"{order.said(between[0])} waits for people between the prechecks and step {index + 1}"
            yield f"{words}, and they count for 60 s only: ask before the prechecks, or after what is broken."


def _waits(order: _Order, index: int) -> bool:
    return order.of(index).kind in ("tabletop", "backup_rehearsal")


def _printed(order: _Order) -> Iterator[str]:
    before, after = order.at("fingerprint_before"), order.at("fingerprint_after")
    first = order.acting[0] if order.acting else None
    if first is not None and (before is None or before > first):
        words = f"{order.said(first)} changes something, and production is not written down before it"
        yield f"{words}: nobody could say afterwards that the rest was untouched."
    if after is not None and (before is None or before > after):
        yield f"{order.said(after)} compares with what was not written down before it."


def _clock(order: _Order) -> Iterator[str]:
    start, stop = order.at("start_clock"), order.at("stop_clock")
    for index in order.broken:
        if start is None or start > index:
            yield f"{order.said(index)} breaks something, and no clock runs before it: nothing would be measured."
        elif start != index - 1:
            yield f"{order.said(start)} does not stand right before step {index + 1}: it would measure something else."
    if start is not None and (stop is None or stop < start):
        yield f"{order.said(start)} starts a clock that no later step stops."
    if stop is not None and start is None:
        yield f"{order.said(stop)} stops a clock that no step starts."
    yield from _stops(order, stop)


def _stops(order: _Order, stop: int | None) -> Iterator[str]:
    for index in order.broken:
        seen_by = order.of(index).seen_by or order.steps[index].name
        seen = order.at(seen_by)
        if seen is None or seen < index:
            if order.of(index).seen_by:
                yield f"After {_lower(order.said(index))} no step sees that what it broke is back."
        elif stop is not None and stop < seen:
            yield f"{order.said(stop)} stops the clock before {_lower(order.said(seen))} has seen the service back."


def _returned(order: _Order) -> Iterator[str]:
    for index, _, each in order.every():
        for what in each.takes:
            later = range(index + 1, len(order.steps))
            if not any(what in order.of(at).gives for at in later):
                yield f"{order.said(index)} takes {what} away or sets it, and no later step gives it back or leaves it."
        if each.gives and not any(what in order.away(index) for what in each.gives):
            yield f"{order.said(index)} gives back {' and '.join(each.gives)}, which no step before it has taken."
        if each.after and each.after not in [step.name for step in order.steps[:index]]:
            yield f"{order.said(index)} does what HA is to do, and no step before it waits for HA."
        if each.within and each.within not in order.away(index):
            yield f"{order.said(index)} watches while {each.within} is away, and it is not away there."


def _patient(order: _Order) -> Iterator[str]:
    """Nothing stays broken while people are waited for."""
    for index, step, each in order.every():
        held = order.away(index)
        if not held or not _waits(order, index):
            continue
        what, taken = next(iter(held.items()))
        since = f"while {what} is away (since step {taken + 1})"
        if each.long:
            yield f"{order.said(index)} may take hours {since}: put it before, or after that was given back."
        elif step.patience > ASKING_AWAY:
            yield (
                f"{order.said(index)} waits {span(step.patience)} for an answer {since}: at most "
                f"{span(ASKING_AWAY)} are taken."
            )


def _undoable(order: _Order) -> Iterator[str]:
    """An undo is made for what it undoes, as that was left; an act without one in between changes what it meets."""
    for index in order.acting:
        mine = order.steps[index]
        if not isinstance(mine.undo, str) or order.of(index).gives:
            continue
        open_ = [taken for taken in order.away(index).values() if not isinstance(order.steps[taken].undo, str)]
        if open_:
            words = f"{order.said(index)} has no undo and follows {_lower(order.said(open_[0]))}, which has one"
            yield f"{words} and is not given back yet: a failure would undo the one under the other."


def _still(order: _Order) -> Iterator[str]:
    stop = order.at("stop_clock")
    for index in order.acting:
        if stop is not None and index > stop and not order.of(index).gives:
            yield f"{order.said(index)} changes something after the clock was stopped: only giving back comes then."


def _closed(order: _Order) -> Iterator[str]:
    places = [order.at(name) for name in CLOSING]
    if order.acting:
        yield from _closes(order, places)
    last = places[2]
    if last is not None and last != len(order.steps) - 1:
        yield f"{order.said(last)} is not the last step: what comes after it could leave something behind."


def _closes(order: _Order, places: Sequence[int | None]) -> Iterator[str]:
    known = [place for place in places if place is not None]
    if len(known) < len(CLOSING):
        missing = [NAMES[name] for name, place in zip(CLOSING, places, strict=True) if place is None]
        yield f"The plan changes something and does not close: it lacks {' and '.join(missing)} at its end."
        return
    if known != sorted(known):
        yield f"The plan closes in the wrong order: {', then '.join(NAMES.values())}."
    late = [index for index in order.acting if index > min(known)]
    if late:
        yield f"{order.said(late[0])} changes something after the closing has begun with step {min(known) + 1}."


NAMES = {
    "wait_scores_back": "the wait until every host can take over",
    "fingerprint_after": "the comparison of production",
    "closing_checks": "the closing checks",
}


def _lower(words: str) -> str:
    return f"{words[0].lower()}{words[1:]}"


RULES: tuple[Callable[[_Order], Iterator[str]], ...] = (
    _something, _once, _given, _alone, _looked, _fresh, _printed, _clock, _returned, _patient, _undoable, _still,
    _closed,
)  # fmt: skip
