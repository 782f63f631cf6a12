"""The numbers of a period beside those of the period before."""

from __future__ import annotations

from collections.abc import Mapping

from failover.reports.period import courses, restoring
from failover.reports.period.content import Course, Drill, Figure, Service
from failover.reports.period.given import Slice

Numbers = Mapping[str, int | None]

TITLES = (
    ("drills", "Drills that ended", "", ""),
    ("drills_met", "of them with every objective met", "", ""),
    ("objectives", "Objectives of drills", "", ""),
    ("objectives_met", "of them met", "", ""),
    ("recovery", "Longest recovery that a drill measured", "ms", "down"),
    ("deviations", "Deviations in drills", "", "down"),
    ("not_held", "Planned drills that did not happen", "", "down"),
    ("backups", "Backups taken", "", ""),
    ("backups_bad", "Backups that failed or never came", "", "down"),
    ("proven", "Backups proven by a restore", "", ""),
    ("not_proven", "Rehearsals that proved nothing", "", "down"),
    ("gap", "Greatest age of the newest proven backup", "s", "down"),
    ("luns", "Time in which LUNs were fully redundant", "ppm", "up"),
    ("tuning", "Time in which Oracle VMs ran as advised", "ppm", "up"),
    ("availability", "Least availability of a service", "ppm", "up"),
    ("unplanned", "Unplanned downtime of all services", "ms", "down"),
    ("windows", "Maintenance windows", "", ""),
    ("overdue_windows", "of them open past their deadline", "", "down"),
    ("maintenance", "Time in maintenance", "s", ""),
    ("changes", "Changes with a number", "", ""),
    ("unnumbered", "Changes without one", "", "down"),
    ("waivers", "Waivers", "", "down"),
)
UNWATCHED = "the portal did not watch"
WHY = {
    "recovery": "no drill measured one",
    "gap": "at some time of the period no backup was proven",
    "luns": "no LUN was looked at",
    "tuning": "no Oracle VM was looked at",
    "availability": "not measured in this period",
    "unplanned": "not measured in this period",
}


def figures(now: Numbers, before: Numbers | None) -> tuple[Figure, ...]:
    """Every figure, also those that are not known."""
    return tuple(
        Figure(
            key,
            title,
            unit,
            good,
            now[key],
            before[key] if before else None,
            "" if now[key] is not None else WHY.get(key, UNWATCHED),
        )
        for key, title, unit, good in TITLES
    )


def numbers(slice_: Slice, engines: tuple[str, ...], luns: Course, tuning: Course) -> Numbers:
    """The figures of one period by their keys; of one that the portal did not watch, none is known."""
    if slice_.since is None or slice_.since >= slice_.span.ends:
        return {key: None for key, _, _, _ in TITLES}
    backups = restoring.engines(slice_, engines, ())
    objectives = [one for drill in slice_.drills for one in drill.objectives]
    gaps = [one.gap for one in backups]
    known = [one for one in gaps if one is not None]
    found: dict[str, int | None] = {
        "drills": len(slice_.drills),
        "drills_met": sum(met(one) for one in slice_.drills),
        "objectives": len(objectives),
        "objectives_met": sum(one.word == "met" for one in objectives),
        "recovery": max((one.measured for one in objectives if one.kind == "rto" and one.measured), default=None),
        "deviations": sum(len(one.deviations) for one in slice_.drills),
        "not_held": len(slice_.not_held),
        "backups": sum(one.done for one in backups),
        "backups_bad": sum(one.failed + one.missed for one in backups),
        "proven": sum(one.proven for one in backups),
        "not_proven": sum(one.not_proven for one in backups),
        "gap": max(known) if known and len(known) == len(gaps) else None,
        "luns": courses.share(luns),
        "tuning": courses.share(tuning),
    }
    return {**found, **_service_numbers(slice_.services), **_act_numbers(slice_)}


def _service_numbers(services: tuple[Service, ...] | None) -> dict[str, int | None]:
    known = [one for one in services or () if one.ratio is not None]
    ratios = [one.ratio for one in known if one.ratio is not None]
    return {
        # the least of those that are known would speak for one that may be worse
        "availability": min(ratios) if ratios and len(ratios) == len(services or ()) else None,
        "unplanned": sum(one.unplanned for one in known) if known else None,
    }


def _act_numbers(slice_: Slice) -> dict[str, int | None]:
    return {
        "windows": len(slice_.windows),
        "maintenance": sum(one.seconds for one in slice_.windows),
        "overdue_windows": sum(one.overdue for one in slice_.windows),
        "changes": sum(bool(one.number) for one in slice_.changes),
        "unnumbered": sum(not one.number for one in slice_.changes),
        "waivers": len(slice_.waivers),
    }


def met(drill: Drill) -> bool:
    """Whether it proves what it was for."""
    return drill.verdict.state == "ok"
