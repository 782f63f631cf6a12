"""Runs that a person must look at, as alarms (settings.HOLDFAST_ALARMS)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q

from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.runs.models import Run

RECENT = timedelta(days=30)  # an older end opens no alert; one that is open stays (docs/adr/0035)
WORDS = {
    Run.Status.NEEDS_ATTENTION: (Severity.CRITICAL, "needs attention"),
    Run.Status.ERRORED: (Severity.CRITICAL, "broke"),
}


def alarms(ask: Ask) -> Iterator[Alarm]:
    """One for each Run whose target may be left changed, or at which the portal itself broke. A person retries it, or
    closes the alert."""
    told = Q(ended__gte=ask.now - RECENT) | Q(ended=None) | Q(pk__in=ask.rows("run"))
    for run in Run.objects.filter(told, status__in=WORDS).order_by("pk"):
        severity, word = WORDS[Run.Status(run.status)]
        sentence = f"Run {run.pk} ({run.title}) {word} on {run.target_name}: {run.sentence}"
        key = f"run:{run.pk}"
        about = About("run", f"run {run.pk}")
        since = run.ended or ask.since(key)
        yield Alarm(key, severity, Concern.CONTROL, about, sentence, since, f"/runs/{run.pk}/")
