"""Runs that a person must look at, as alarms (settings.HOLDFAST_ALARMS)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.runs.models import Run

RECENT = timedelta(days=30)  # an end that nobody has looked at since is history
WORDS = {
    Run.Status.NEEDS_ATTENTION: (Severity.CRITICAL, "needs attention"),
    Run.Status.ERRORED: (Severity.CRITICAL, "broke"),
}


def alarms(ask: Ask) -> Iterator[Alarm]:
    """One for each Run whose target may be left changed, or at which the portal itself broke. A person retries it, or
    closes the alert."""
    for run in Run.objects.filter(status__in=WORDS, created__gte=ask.now - RECENT).order_by("pk"):
        severity, word = WORDS[Run.Status(run.status)]
        sentence = f"Run {run.pk} ({run.title}) {word} on {run.target_name}: {run.sentence}"
        key = f"run:{run.pk}"
        about = About("run", f"run {run.pk}")
        since = run.ended or ask.since(key)
        yield Alarm(key, severity, Concern.CONTROL, about, sentence, since, f"/runs/{run.pk}/")
