"""Outages with their causes, in one pass over everything that may name one: a service that comes and goes has thousands
of spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Generic, NamedTuple, TypeVar

from failover.availability.corrected import Entry, Kind, Laid
from failover.availability.history import History, Outage, Permit
from failover.availability.intervals import intersect, length, union
from failover.availability.watched import Span, State

LONGEST = 300  # characters of a cause
Timed = TypeVar("Timed", Span, Permit, Entry)


class Piece(NamedTuple):
    """A time without service of one kind. Unix seconds."""

    begins: float
    ends: float
    planned: bool


class Along(Generic[Timed]):
    """Things that have a beginning and an end, asked for those that meet a piece, one piece after the other."""

    def __init__(self, things: Sequence[Timed]) -> None:
        self._things: list[Timed] = sorted(things, key=lambda one: one.begins)
        self._first = 0

    def meeting(self, piece: Piece) -> Iterator[Timed]:
        """Those that share a moment with it, or begin in it. Pieces come in their order."""
        things = self._things
        while self._first < len(things) and things[self._first].begins < piece.begins >= things[self._first].ends:
            self._first += 1
        for at in range(self._first, len(things)):
            one = things[at]
            if one.begins >= piece.ends:
                return
            if one.ends > piece.begins or one.begins >= piece.begins:
                yield one


def outages(of: History, over: Laid, pieces: Sequence[Piece], begins: float, now: float | None) -> Iterator[Outage]:
    """pieces: in their order, apart. begins: of the stretch of time. now: the end of a piece that goes on; None: none
    does."""
    downs = Along([one for one in of.spans if one.state is State.DOWN])
    permits = Along(of.permits)
    named = Along([one for one in of.entries if one.cause and one.kind in (Kind.CAUSE, Kind.DOWN)])
    touched = union(over.down, over.up, over.planned, over.unplanned)
    several = len(of.rule.parts) > 1
    order = {id(one): number for number, one in enumerate(of.entries)}
    for piece in pieces:
        entries = sorted(named.meeting(piece), key=lambda one: order[id(one)])
        given = [one.cause for one in entries if one.kind is Kind.CAUSE]
        words = [one.name for one in permits.meeting(piece) if piece.planned]
        words += [f"{one.part}: {one.why}" if several and one.why else one.why for one in downs.meeting(piece)]
        words += [one.cause for one in entries if one.kind is Kind.DOWN]
        yield Outage(
            begins=datetime.fromtimestamp(piece.begins, UTC),
            ends=None if piece.ends == now else datetime.fromtimestamp(piece.ends, UTC),
            planned=piece.planned,
            cause=given[-1] if given else "; ".join(dict.fromkeys(each for each in words if each))[:LONGEST],
            seconds=length(((piece.begins, piece.ends),)),
            corrected=bool(given) or bool(intersect(touched, ((piece.begins, piece.ends),))),
            before=piece.begins == begins,
        )
