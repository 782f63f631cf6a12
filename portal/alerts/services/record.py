"""One line of an alert's history."""

from __future__ import annotations

from datetime import datetime

from portal.alerts.models import Alert, Event


def note(row: Alert, kind: str, sentence: str, now: datetime, by: str = "") -> None:
    """by "": the portal itself."""
    Event.objects.create(alert=row, at=now, kind=kind, by=by, sentence=sentence)
