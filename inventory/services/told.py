"""Answers that packages above this one give: who gives them, the settings name (HOLDFAST_ANSWERS)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from inventory.verdicts.answer import Answer, Word
from portal.kernel.outcome import Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Banner:
    """One sentence under the header, for as long as it is true."""

    state: str
    sentence: str


@dataclass(frozen=True)
class Told:
    """An answer with where more of it stands. at: how fresh it is; since: since when it holds; last: last known, no
    proof. banner: what stands above every page while it is true. also: what whoever answers has to say beside it."""

    answer: Answer
    url: str
    at: datetime | None = None
    since: datetime | None = None
    last: datetime | None = None
    link: str = "Evidence"
    banner: Banner | None = None
    also: Told | None = None


def told(name: str, now: datetime) -> Told | None:
    """The answer of that name; None when the settings name nobody for it. Whatever goes wrong there is an answer that
    is not known here, and never breaks the page that asks."""
    path = settings.HOLDFAST_ANSWERS.get(name)
    if path is None:
        return None
    try:
        found: Told = import_string(path)(now)
    except Exception as error:  # a page about everything else must not go down with one answer
        log.exception("The answer %s could not be given.", name)
        words = f"The portal could not work it out ({type(error).__name__}). An administrator reads its log."
        alarms = Banner("unknown", f"The portal could not work out its alarms ({type(error).__name__}): see its log.")
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), "/findings/", link="Findings", banner=alarms)
    return found
