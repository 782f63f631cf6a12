"""How policies stand, as numbers for a machine that watches (/metrics). Policies go by their number: no names leave."""

from __future__ import annotations

from datetime import datetime

from backups.services.pages_standing import standings

Measure = tuple[str, str, list[tuple[str, float]]]


def measures(now: datetime) -> list[Measure]:
    """Name, words, and a value per policy that is switched on. What is not known has no value. One query."""
    found = [(str(one.policy.pk), one) for one in standings(now) if one.policy.enabled]
    ages = [(key, (now - one.facts.proven.taken).total_seconds()) for key, one in found if one.facts.proven is not None]
    return [
        ("holdfast_backup_age_seconds", "Age of the newest backup that is proven restorable.", ages),
        (
            "holdfast_backup_objective_seconds",
            "The most that may be lost.",
            [(k, float(o.policy.rpo)) for k, o in found],
        ),
        ("holdfast_backup_proven", "Proven backups held.", [(k, float(o.facts.proven_count)) for k, o in found]),
        ("holdfast_backup_failed", "Failures since the last DONE.", [(k, float(o.facts.failed)) for k, o in found]),
        ("holdfast_backup_missed", "Starts missed since then.", [(k, float(o.facts.missed_count)) for k, o in found]),
        (
            "holdfast_backup_copies_late",
            "Places whose newest copy is too old.",
            [(k, float(sum(place.late(now) for place in o.places))) for k, o in found],
        ),
    ]
