"""The context of every page: layout, sections, clock, person. Read only when the template asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from inventory.services.pages_frame import Around, around
from inventory.services.pages_now import Tally
from inventory.services.told import Banner
from portal.access.services.people import may, preference_of, title_of
from portal.alerts.services.counting import Counts
from portal.kernel.outcome import Outcome

# URL name, title, and the letter that leads there after "g"
SECTIONS = (
    ("overview", "Overview", "o"),
    ("engine", "Engine", "e"),
    ("hosts", "Hosts", "h"),
    ("luns", "LUNs", "l"),
    ("topology", "Topology", "t"),
    ("backups", "Backups", "b"),
    ("drills", "Drills", "d"),
    ("findings", "Findings", "f"),
    ("evidence", "Evidence", "c"),
)
STATES = [("bad", "not OK"), ("fail", "failed"), ("unknown", "unknown"), ("warn", "warning"), ("ok", "OK")]
WORDS = {"warn": "has a warning", "fail": "has a failure", "unknown": "is partly not known"}


@dataclass(frozen=True)
class Section:
    """One entry of the navigation. worst "": nothing to say."""

    key: str
    title: str
    letter: str
    url: str
    worst: str

    @property
    def word(self) -> str:
        return WORDS.get(self.worst, "")


class Frame:
    """What surrounds the page of one request."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def sees(self) -> bool:
        """Whether the person may know anything of the estate; the header is no way around a role."""
        return may(self.request.user, "estate.view")

    @cached_property
    def around(self) -> Around:
        return around()

    def tally(self, kind: str) -> Tally:
        """The outcomes of one kind of subject; empty when nothing was looked at."""
        return self.around.tallies.get(kind, Tally({}))

    @property
    def total(self) -> Tally:
        """All outcomes of all kinds."""
        counts: dict[Outcome, int] = {}
        for tally in self.around.tallies.values():
            for outcome, number in tally.counts.items():
                counts[outcome] = counts.get(outcome, 0) + number
        return Tally(counts)

    @cached_property
    def sections(self) -> list[Section]:
        worst = self.around.worst if self.sees else {}
        return [Section(key, title, letter, reverse(key), str(worst.get(key, ""))) for key, title, letter in SECTIONS]

    @property
    def states(self) -> list[tuple[str, str]]:
        """The choices of every filter by state."""
        return STATES

    @property
    def banner(self) -> Banner | None:
        return self.around.banner if self.sees else None

    @cached_property
    def now(self) -> datetime:
        return timezone.now()

    @property
    def alerts(self) -> Counts | None:
        """What the header says of alerts; None for who sees nothing of the estate."""
        return self.around.alerts if self.sees else None

    @property
    def zone(self) -> str:
        return timezone.get_current_timezone_name()

    @property
    def role(self) -> str:
        return title_of(self.request.user)

    @property
    def theme(self) -> str:
        chosen = preference_of(self.request.user).theme
        return "" if chosen == "system" else str(chosen)

    @property
    def keys_off(self) -> bool:
        return not preference_of(self.request.user).shortcuts

    @property
    def lab_url(self) -> str:
        return str(settings.HOLDFAST_LAB_URL)


def frame_of(request: HttpRequest) -> Frame:
    """The request's one frame, so that a view and its template ask the database once."""
    found: Frame | None = getattr(request, "_frame", None)
    if found is None:
        found = request._frame = Frame(request)  # type: ignore[attr-defined]
    return found


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor. layout: what a page extends; the bare fragment when HTMX asks for it."""
    bare = bool(getattr(request, "htmx", False)) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return {"layout": "_fragment.html" if bare else "base.html", "frame": frame_of(request)}
