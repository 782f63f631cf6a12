"""Bringing one table to what the engine lists: compared in Python, written only where something differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Field

from inventory.models import Cluster, Host, Lun, StorageDomain, Vm

BATCH = 2000
SeenModel = type[Cluster] | type[Host] | type[Lun] | type[StorageDomain] | type[Vm]
Values = tuple[Any, ...]


class _Keep:
    """Stands for a column's present value: the engine did not speak of it."""

    def __repr__(self) -> str:
        return "KEEP"


KEEP = _Keep()


@dataclass
class Tally:
    """Rows written per table, in one sync."""

    rows: dict[str, int] = field(default_factory=dict)

    def add(self, model: type[Any], number: int) -> None:
        """Counts rows; zero leaves no entry."""
        if number:
            table = model._meta.db_table
            self.rows[table] = self.rows.get(table, 0) + number


@dataclass(frozen=True)
class Current:
    """What a table holds for one engine: uuid -> primary key, gone_since and the columns' values."""

    model: SeenModel
    engine_pk: int
    columns: tuple[str, ...]
    rows: dict[str, tuple[int, datetime | None, Values]]
    keys: dict[str, int]  # uuid -> primary key, new rows included


def load(model: SeenModel, engine_pk: int, columns: tuple[str, ...]) -> Current:
    """One query."""
    found = model._default_manager.filter(engine_id=engine_pk).values_list("uuid", "pk", "gone_since", *columns)
    rows = {row[0]: (row[1], row[2], row[3:]) for row in found}
    return Current(model, engine_pk, columns, rows, {uuid: row[0] for uuid, row in rows.items()})


def write(current: Current, seen: Mapping[str, Values], tally: Tally) -> None:
    """Inserts what is new, updates what differs, brings back what was gone. KEEP leaves a column as it is."""
    model, columns = current.model, current.columns
    limits = [getattr(model._meta.get_field(name), "max_length", None) for name in columns]
    objects = []
    for uuid, values in seen.items():
        before = current.rows.get(uuid)
        if before is not None and before[1] is None and before[2] == values:
            continue
        wanted = _settle(model, columns, limits, values, before[2] if before else None)
        if before is None or before[1] is not None or before[2] != wanted:
            pairs = dict(zip(columns, wanted, strict=True))
            objects.append(model(engine_id=current.engine_pk, uuid=uuid, gone_since=None, **pairs))
    if objects:
        _store(current, objects)
    tally.add(model, len(objects))


def _settle(
    model: SeenModel, columns: tuple[str, ...], limits: list[int | None], values: Values, before: Values | None
) -> Values:
    """Values as the columns can hold them: KEEP resolved, text cut to its length."""
    settled = []
    for index, value in enumerate(values):
        limit = limits[index]
        if value is KEEP:
            settled.append(before[index] if before else _default(model, columns[index]))
        elif limit is not None and isinstance(value, str) and len(value) > limit:
            settled.append(value[:limit])
        else:
            settled.append(value)
    return tuple(settled)


def _default(model: SeenModel, column: str) -> Any:
    field = model._meta.get_field(column)
    return field.get_default() if isinstance(field, Field) else None


def _store(current: Current, objects: list[Any]) -> None:
    fields = [current.model._meta.get_field(name).name for name in current.columns]
    stored = current.model._default_manager.bulk_create(
        objects,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["engine", "uuid"],
        update_fields=[*fields, "gone_since"],
    )
    current.keys.update({one.uuid: one.pk for one in stored})


def retire(current: Current, seen: Iterable[str], now: datetime, tally: Tally) -> list[int]:
    """Marks as gone what the engine no longer lists; the row stays, for its history. Returns the keys of all rows
    that this call marked."""
    listed = set(seen)
    lost = [key for uuid, (key, gone, _) in current.rows.items() if gone is None and uuid not in listed]
    if lost:
        tally.add(current.model, current.model._default_manager.filter(pk__in=lost).update(gone_since=now))
    return lost
