"""Backups that failed, never came or cannot be restored, as alarms (settings.HOLDFAST_ALARMS)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from django.utils.text import slugify

from backups.models import Policy
from backups.services.pages_standing import Standing, standings
from backups.verdicts.lines import Line
from inventory.verdicts.answer import Word
from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.kernel.outcome import Outcome

DAY = 86_400.0
HOLD = 60.0  # seconds that it must be so: a portal that was away looks at its schedules first
CALM = 60.0  # seconds that it must be gone
FAILED = "the newest backup failed"


def alarms(ask: Ask) -> Iterator[Alarm]:
    """What is not as decided of every policy that is switched on, of engines that are watched. One query."""
    rows = Policy.objects.filter(enabled=True, engine__watched=True).select_related("engine__site")
    for one in standings(ask.now, rows):
        for line in one.verdict.lines:
            yield _alarm(ask, one, line)
        yield from _unproven(ask, one)


def _about(one: Standing) -> About:
    engine = one.policy.engine
    return About("policy", one.policy.name, engine.name, engine.site.name)


def _alarm(ask: Ask, one: Standing, line: Line) -> Alarm:
    # numbers and names of backups change while it is the same thing
    key = f"backup:{one.policy.pk}:{slugify(re.sub(r'[0-9]+', '', line.short))}"
    severity = Severity.CRITICAL if line.outcome is Outcome.FAIL else Severity.WARNING
    words = f"{one.policy.name}: {line.sentence}"
    since = _failed_at(one) if line.short == FAILED else None
    return Alarm(
        key, severity, Concern.DATA_LOSS, _about(one), words, since or ask.since(key), _link(one), HOLD, CALM
    )  # fmt: skip


def _failed_at(one: Standing) -> datetime | None:
    """Every failure comes anew."""
    return one.facts.newest.taken if one.facts.newest is not None else None


def _unproven(ask: Ask, one: Standing) -> Iterator[Alarm]:
    """Nothing can be restored; or nobody has shown for a day that it can."""
    verdict = one.verdict
    if verdict.word is Word.YES or (verdict.word is Word.NOT_KNOWN and one.facts.done is None):
        return
    key = f"backup:{one.policy.pk}:unproven"
    words = f"{one.policy.name}: {verdict.base}. {verdict.lead}"
    if verdict.word is Word.NO:
        since, hold = ask.since(key), HOLD
    else:
        assert one.facts.done is not None
        since, hold = one.facts.done.taken, DAY
    yield Alarm(
        key, Severity.CRITICAL, Concern.DATA_LOSS, _about(one), words, since, _link(one), hold=hold, calm=CALM
    )  # fmt: skip


def _link(one: Standing) -> str:
    return f"/backups/policies/{one.policy.pk}/"
