"""The declared cabling and power of an estate: proposed as a whole by one person, approved by another one, and then
used by the proof. What was shown is what is decided on, or nothing is."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from inventory.models import Cabling, Engine, Host, Look, Site
from inventory.redundancy import cabling as tables
from inventory.redundancy.cabling import Change, Line, Mistake
from inventory.services import looks
from inventory.services.signal import announce
from portal.access.services import may
from portal.evidence.canonical import digest
from portal.evidence.services import append

ACT = "cabling.approve"
LONGEST = 500  # characters of a reason


class CannotPropose(ValueError):
    """The table is not taken; mistakes say why, line by line."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(" ".join(str(one) for one in mistakes[:3]))
        self.mistakes = mistakes


class CannotDecide(ValueError):
    """Nothing is decided; the sentence says why and what to do."""


class Another(CannotDecide):
    """What was shown is no longer what waits."""


def approved(engine: Engine) -> Cabling | None:
    """The version that holds. One whose text was changed around this service holds no more."""
    row = Cabling.objects.filter(engine=engine, state=Cabling.State.APPROVED).first()
    return row if row is not None and row.sha256 == mark(row.text) else None


def waiting(engine: Engine) -> Cabling | None:
    """The version that waits for a second person."""
    return Cabling.objects.filter(engine=engine, state=Cabling.State.PROPOSED).first()


def mark(text: str) -> str:
    """Stands for exactly this table."""
    return digest({"cabling": text})


def lines_of(row: Cabling | None) -> tuple[Line, ...]:
    """The lines of a version; () for none."""
    return tables.read(row.text).lines if row else ()


def against(row: Cabling) -> Change:
    """What a version changes: a waiting one against what holds now, any other against the one before it that held."""
    if row.state == Cabling.State.PROPOSED:
        return tables.change(lines_of(approved(row.engine)), lines_of(row))
    held = (Cabling.State.APPROVED, Cabling.State.REPLACED)
    before = Cabling.objects.filter(engine=row.engine_id, state__in=held, pk__lt=row.pk).first()
    return tables.change(lines_of(before), lines_of(row))


def propose(engine: Engine, by: str, text: str, reason: str = "", actor: str = "") -> Cabling:
    """Takes a table as the proposal of one person. by: a user name; actor: how the evidence names it, `by` when "".
    Raises CannotPropose with every mistake, or CannotDecide when another one waits or nothing would change."""
    sheet = tables.read(text)
    mistakes = (*sheet.mistakes, *_sites(sheet.lines))
    if mistakes:
        raise CannotPropose(mistakes)
    with transaction.atomic():
        Engine.objects.select_for_update().only("pk").get(pk=engine.pk)
        other = waiting(engine)
        if other is not None:
            raise CannotDecide(f"{other.proposed_by} has proposed a cabling that waits: decide on it, or withdraw it.")
        changes = tables.change(lines_of(approved(engine)), sheet.lines)
        if not (changes.added or changes.dropped):
            raise CannotDecide("The table is what is declared already, so there is nothing to propose.")
        whole = tables.written(sheet.lines)
        row = Cabling.objects.create(
            engine=engine,
            text=whole,
            sha256=mark(whole),
            proposed_by=by,
            proposed_at=timezone.now(),
            reason=reason.strip()[:LONGEST],
        )
        announce("estate")
        append("cabling.proposed", actor or by, _subject(engine), _body(row, changes))
    return row


def _sites(lines: tuple[Line, ...]) -> tuple[Mistake, ...]:
    """Sites are declared by administrators; a misspelt one would be a place of its own."""
    wanted = {line.at for line in lines if line.kind == "site"}
    known = {name.casefold() for name in Site.objects.values_list("name", flat=True)} if wanted else set()
    missing = sorted(name for name in wanted if name.casefold() not in known)
    return tuple(
        Mistake(0, f"There is no site {name}: correct the name, or let an administrator declare it.")
        for name in missing
    )


def approve(pk: int, by: User, shown: str, actor: str = "") -> Cabling:
    """A second person agrees to exactly what was shown, and it holds from now on. Raises Another, or CannotDecide."""
    with transaction.atomic():
        row = _held(pk, shown)
        if by.get_username().casefold() == row.proposed_by.casefold():
            raise CannotDecide(f"{by.get_username()} proposed it: another person approves it.")
        if not (by.is_active and may(by, ACT)):
            raise CannotDecide(f"{by.get_username()} may not approve a cabling, so this is no second pair of eyes.")
        if row.sha256 != mark(row.text):
            raise CannotDecide("The stored table was changed after it was proposed: refuse it, and propose it anew.")
        changes, now = against(row), timezone.now()
        old = Cabling.objects.filter(engine=row.engine_id, state=Cabling.State.APPROVED)
        old.update(state=Cabling.State.REPLACED)
        _decide(row, Cabling.State.APPROVED, by.get_username(), now)
        _place(row.engine, lines_of(row))
        Look.objects.filter(engine=row.engine_id, probe=looks.REDUNDANCY).update(due_at=now)
        announce("estate")
        body = {**_body(row, changes), "proposed_by": row.proposed_by}
        append("cabling.approved", actor or by.get_username(), _subject(row.engine), body)
    return row


def refuse(pk: int, by: User, why: str, actor: str = "") -> Cabling:
    """A second person says no, with a reason. Raises CannotDecide."""
    if not why.strip():
        raise CannotDecide("Say why it is refused: whoever proposed it has to know.")
    with transaction.atomic():
        row = _held(pk)
        if by.get_username().casefold() == row.proposed_by.casefold():
            raise CannotDecide(f"{by.get_username()} proposed it and may withdraw it; another person refuses it.")
        _decide(row, Cabling.State.REFUSED, by.get_username(), timezone.now(), why.strip()[:LONGEST])
        announce("estate")
        body = {"sha256": row.sha256, "why": row.why, "proposed_by": row.proposed_by}
        append("cabling.refused", actor or by.get_username(), _subject(row.engine), body)
    return row


def withdraw(pk: int, by: str, actor: str = "") -> Cabling:
    """Whoever proposed it takes it back. Raises CannotDecide."""
    with transaction.atomic():
        row = _held(pk)
        if by.casefold() != row.proposed_by.casefold():
            raise CannotDecide(f"{row.proposed_by} proposed it and alone may withdraw it; another person refuses it.")
        _decide(row, Cabling.State.WITHDRAWN, by, timezone.now())
        announce("estate")
        append("cabling.withdrawn", actor or by, _subject(row.engine), {"sha256": row.sha256})
    return row


def _held(pk: int, shown: str | None = None) -> Cabling:
    """The locked row while it waits, and is what was shown."""
    engine = Cabling.objects.values_list("engine", flat=True).get(pk=pk)
    Engine.objects.select_for_update().only("pk").get(pk=engine)
    row = Cabling.objects.select_for_update(of=("self",)).select_related("engine").get(pk=pk)
    if row.state != Cabling.State.PROPOSED:
        who = f" by {row.decided_by}" if row.decided_by else ""
        raise CannotDecide(f"It is {row.state}{who} already, so there is nothing to decide.")
    if shown is not None and row.sha256 != shown:
        raise Another("What waits is not what was shown. Nothing was decided: read it again.")
    return row


def _decide(row: Cabling, state: str, by: str, at: datetime, why: str = "") -> None:
    row.state, row.decided_by, row.decided_at, row.why = state, by, at, why
    row.save(update_fields=["state", "decided_by", "decided_at", "why"])


def _place(engine: Engine, lines: tuple[Line, ...]) -> None:
    """Hosts stand where the plan has them, the others where their engine is."""
    sites = {site.name.casefold(): site for site in Site.objects.all()}
    wanted = {line.name.casefold(): sites[line.at.casefold()] for line in lines if line.kind == "site"}
    for host in Host.objects.filter(engine=engine).select_related("site"):
        site = wanted.get(host.name.casefold())
        if host.site != site:
            Host.objects.filter(pk=host.pk).update(site=site)


def _body(row: Cabling, changes: Change) -> dict[str, object]:
    return {
        "sha256": row.sha256,
        "reason": row.reason,
        "added": [",".join(one.cells) for one in changes.added],
        "dropped": [",".join(one.cells) for one in changes.dropped],
        "kept": len(changes.kept),
    }


def _subject(engine: Engine) -> str:
    return f"engine:{engine.name}"
