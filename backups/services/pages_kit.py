"""The kit's screen: the newest kit of an engine as it stands now, and those before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from backups.kit.page import Page, Shown, page
from backups.models import Kit, Policy
from backups.services import kit, obstacles
from inventory.models import Engine
from portal.kernel.outcome import GRAVE
from portal.runs.models import Run

HISTORY = 12


@dataclass(frozen=True)
class KitPage:
    """row: the kit that is shown. page: its sections, judged now. readiness: its lines, the worst first. history: of
    the same engine, newest first. stale: another kit is newer. going: the Run that collects or has the engine."""

    row: Kit
    page: Page | None
    readiness: tuple[Shown, ...]
    history: tuple[Kit, ...]
    stale: bool
    going: Run | None
    running: bool


def engines() -> QuerySet[Engine]:
    """Those that a kit can be made of."""
    return Engine.objects.defer("password", "ssh_private_key", "ca_pem").order_by("name")


def chosen(asked: Mapping[str, str]) -> Engine | None:
    """The engine that ?engine= names, else one that is backed up, else the first."""
    rows = list(engines())
    named = next((row for row in rows if str(row.pk) == asked.get("engine", "")), None)
    backed = set(Policy.objects.values_list("engine_id", flat=True))
    return named or next((row for row in rows if row.pk in backed), None) or next(iter(rows), None)


def row_of(pk: int) -> Kit:
    """Raises Kit.DoesNotExist."""
    return Kit.objects.select_related("engine").defer(*_secret("engine__")).get(pk=pk)


def kit_page(row: Kit, now: datetime) -> KitPage:
    """Everything that a kit's page shows. page None: its content is gone, or was written by another version."""
    mine = Kit.objects.filter(engine=row.engine).defer("content").order_by("-at", "-pk")
    content = kit.content(row)
    shown = page(content, int(now.timestamp()), changes=tuple(row.changes)) if content else None
    lines = shown.readiness if shown else ()
    going = obstacles.busy(f"engine:{row.engine_id}")
    return KitPage(
        row=row,
        page=shown,
        readiness=tuple(sorted(lines, key=lambda one: GRAVE.index(one.line.outcome))),
        history=tuple(mine[:HISTORY]),
        stale=mine.filter(at__gt=row.at).exists(),
        going=going,
        running=going is not None and going.plan == kit.PLAN,
    )


def _secret(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{name}" for name in ("password", "ssh_private_key", "ca_pem"))
