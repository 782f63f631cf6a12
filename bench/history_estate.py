"""Backups, findings and availability of bench.history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.history import Year

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SETTINGS = (("guest", "vm.nr_hugepages"), ("guest", "transparent_hugepage"), ("engine", "io_threads"))
Check = tuple[str, str, str, str]  # probe, check, kind and key of the subject


def backups(year: Year) -> None:
    """Writes them."""
    from backups.models import Backup, Missed, Policy, Rehearsal

    policy = Policy.objects.create(
        engine=year.engine, name=f"{year.name} six-hourly", cron="0 */6 * * *", decided_to=year.ends, rpo=36 * 3600
    )
    year.promise("rpo", policy.pk, timedelta(seconds=policy.rpo))
    step, made, missed = DAY / year.size.backups_a_day, [], []
    count = (year.ends - year.begins) // step
    for number in range(count):
        taken, luck = year.begins + step * number, year.random.random()
        if luck < 0.003:
            words = f"The backup of {taken:%d %b %H:%M} UTC never came: the engine VM did not answer."
            missed.append(Missed(policy=policy, due_at=taken, noticed_at=taken + HOUR, sentence=words))
            continue
        bad = luck < 0.012
        made.append(
            Backup(
                engine=year.engine,
                policy=policy,
                ident=f"{taken:%Y%m%dT%H%M%S}",
                reason="scheduled",
                due_at=taken,
                status="FAILED" if bad else "DONE",
                taken=taken,
                began=taken,
                ended=taken + timedelta(minutes=4),
                sentence="engine-backup ended with 1: no space left on device. Free /var/tmp on the engine VM."
                if bad
                else "",
                size=400 << 20,
                sha256=f"{number:064x}",
                whole=None if bad else True,
                objects_then={"before": {"counts": {"vms": 40}}},
            )
        )
    Missed.objects.bulk_create(missed)
    rows = Backup.objects.bulk_create(made, batch_size=500)
    Rehearsal.objects.bulk_create(_rehearsals(year, rows), batch_size=500)


def _rehearsals(year: Year, rows: list[Any]) -> Iterator[Any]:
    from backups.models import Rehearsal

    done = [row for row in rows if row.status == "DONE"]
    for row in done[:: year.size.backups_a_day]:
        good = year.random.random() > 0.015
        yield Rehearsal(
            backup=row,
            at=row.taken + HOUR,
            seconds=150 + year.random.random() * 90,
            outcome="proven" if good else "failed",
            sentence="Every table came back."
            if good
            else "pg_restore refused table audit_log: unexpected end of file.",
            tables={"engine": {"public.vm_static": 40}},
        )


def turns(year: Year) -> None:
    """Writes them."""
    from inventory.models import Transition

    rows = [_turn(year, year.begins, _lun(lun), ("", "ok"), f"{lun.name} is redundant.") for lun in year.luns]
    rows += [
        _turn(year, year.begins, _setting(vm, area, name), ("", "ok"), f"{vm.name}: {name} is as advised.")
        for vm in year.vms
        for area, name in SETTINGS
    ]
    for at in year.moments(year.size.faults):
        rows += _fault(year, at)
    for at in year.moments(year.size.faults // 4):
        rows += _drift(year, at)
    Transition.objects.bulk_create(rows, batch_size=1000)


def _lun(lun: Any) -> Check:
    return "redundancy", "redundancy", "lun", lun.uuid


def _setting(vm: Any, area: str, name: str) -> Check:
    return "oracle_tuning", f"tuning_{area}", "vm", f"{vm.name} {name}"


def _turn(year: Year, at: datetime, check: Check, moved: tuple[str, str], words: str) -> Any:
    from inventory.models import Transition

    probe, name, kind, key = check
    return Transition(
        at=at, engine=year.engine, probe=probe, check_name=name, subject_kind=kind, subject_key=key,
        from_outcome=moved[0], to_outcome=moved[1], sentence=words,
    )  # fmt: skip


def _fault(year: Year, at: datetime) -> list[Any]:
    """A path is lost; sometimes it is a switch, and all LUNs have it; rarely nobody can look."""
    wide, word = year.random.random() < 0.15, year.random.choice(("warn", "warn", "warn", "fail", "unknown"))
    long = timedelta(minutes=5 + year.random.randrange(600))
    hit = year.luns if wide else year.random.sample(year.luns, k=min(2, len(year.luns)))
    host, port = year.random.choice(year.hosts), year.random.randrange(24)
    words = {
        "warn": f"lost one path of fabric B on {host.name}; it keeps 3. Look at SWB1 port {port}.",
        "fail": f"hangs on one switch alone on {host.name}: the loss of SWA1 would cut it off.",
        "unknown": f"is not known: {host.name} does not answer.",
    }[word]
    found = []
    for lun in hit:
        found.append(_turn(year, at, _lun(lun), ("ok", word), f"{lun.name} {words}"))
        found.append(_turn(year, at + long, _lun(lun), (word, "ok"), f"{lun.name} is redundant."))
    return found


def _drift(year: Year, at: datetime) -> list[Any]:
    vm = year.random.choice(year.vms)
    check, long = _setting(vm, "guest", "transparent_hugepage"), DAY * (1 + year.random.randrange(9))
    words = f"{vm.name}: transparent huge pages are always; never is advised."
    return [
        _turn(year, at, check, ("ok", "fail"), words),
        _turn(year, at + long, check, ("fail", "ok"), f"{vm.name}: never, as advised."),
    ]


def availability(year: Year) -> None:
    """Writes them."""
    from failover.models import Objective, ObjectiveVersion

    services = [
        ("engine", "engine", "Engine management", ("health", "api")),
        *(("service", f"db{n}", f"Oracle listener {n}", ("service",)) for n in (1, 2)),
    ]
    for kind, key, title, parts in services:
        row = Objective.objects.create(engine=year.engine, kind=kind, key=key, title=title, since=year.begins)
        ObjectiveVersion.objects.create(objective=row, number=1, percent="99.99", by="admin1", at=year.begins)
        breaks = sorted((at, year.random.choice((12, 40, 95, 240))) for at in year.moments(year.size.outages))
        for part in parts:
            _spans(year, row, part, breaks, silent=kind == "service" and key == "db2")


def _spans(year: Year, row: Any, part: str, breaks: list[tuple[datetime, int]], *, silent: bool) -> None:
    from failover.models import ServiceSpan

    made, at = [], year.begins
    for down, seconds in breaks:
        if down <= at:
            continue
        made.append(_span(year, row, part, "up", at, down))
        made.append(
            _span(
                year,
                row,
                part,
                "down",
                down + timedelta(seconds=5),
                down + timedelta(seconds=seconds),
                "connection refused",
            )
        )
        at = down + timedelta(seconds=seconds + 5)
        if silent and len(made) == 4:  # the prober was away
            made.append(_span(year, row, part, "up", at, at + HOUR))
            at += 10 * HOUR
    made.append(_span(year, row, part, "up", at, year.ends))
    ServiceSpan.objects.bulk_create(made)


def _span(year: Year, row: Any, part: str, state: str, began: datetime, last: datetime, why: str = "") -> Any:
    from failover.models import ServiceSpan

    mono = (began - year.begins).total_seconds()
    return ServiceSpan(
        objective=row,
        part=part,
        state=state,
        why=why,
        boot="b1",
        began_mono=mono,
        last_mono=mono + (last - began).total_seconds(),
        began=began,
        last=last,
        questions=max(1, int((last - began).total_seconds() // 5)),
    )
