"""Bringing one table to what the engine lists: compared in Python, written only where something differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import JSONField

from inventory.models import Cluster, Engine, Host, Lun, StorageDomain, Vm
from portal.kernel.calm import calm

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


@contextmanager
def alone(engine_pk: int) -> Iterator[None]:
    """A transaction that is the only writer of the engine's tables; short, since no network is waited for in it."""
    with transaction.atomic(), calm():
        Engine.objects.select_for_update().only("pk").get(pk=engine_pk)
        yield


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
    columns: list[Any] = [current.model._meta.get_field(name) for name in current.columns]
    limits = [getattr(column, "max_length", None) for column in columns]
    nothing = tuple(column.get_default() for column in columns)  # what a column holds when nobody says anything
    fresh: dict[str, Values] = {}
    changed: dict[str, Values] = {}
    for uuid, values in seen.items():
        before = current.rows.get(uuid)
        if before is None:
            fresh[uuid] = _settle(values, limits, nothing)
        elif before[1] is not None or before[2] != values:
            wanted = _settle(values, limits, before[2])
            if before[1] is not None or before[2] != wanted:
                changed[uuid] = wanted
    if fresh:
        rows = ((current.engine_pk, uuid, *values) for uuid, values in fresh.items())
        copy_in(current.model, ("engine_id", "uuid", *current.columns), rows)
        current.keys.update(_keys(current))
    if changed:
        _update(current, changed)
    tally.add(current.model, len(fresh) + len(changed))


def _settle(values: Values, limits: list[int | None], before: Values) -> Values:
    """Values as the columns can hold them: KEEP resolved, text cut to its length."""
    return tuple(
        old if value is KEEP else value[:limit] if limit is not None and isinstance(value, str) else value
        for value, limit, old in zip(values, limits, before, strict=True)
    )


def copy_in(model: type[Any], columns: tuple[str, ...], rows: Iterable[Values]) -> None:
    """Inserts new rows by COPY, five times cheaper than INSERT through model objects. Columns that are not named get
    their model's default. The caller is the table's only writer, so nothing conflicts."""
    named = [model._meta.get_field(name) for name in columns]
    rest = [one for one in model._meta.concrete_fields if one not in named and not one.primary_key]
    constant = tuple(one.get_db_prep_save(one.get_default(), connection) for one in rest)
    documents = [index for index, one in enumerate(named) if isinstance(one, JSONField)]
    names = ", ".join(connection.ops.quote_name(one.column) for one in (*named, *rest))
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor, cursor.copy(f"copy {table} ({names}) from stdin") as copy:
        for row in rows:
            copy.write_row((*_with_json(row, documents), *constant) if documents else (*row, *constant))


def _with_json(row: Values, documents: list[int]) -> list[Any]:
    values = list(row)
    for index in documents:
        values[index] = json.dumps(values[index])
    return values


def _keys(current: Current) -> Iterable[tuple[str, int]]:
    return current.model._default_manager.filter(engine_id=current.engine_pk).values_list("uuid", "pk")


def _update(current: Current, changed: Mapping[str, Values]) -> None:
    """One statement for all rows: INSERT … ON CONFLICT UPDATE, of which only the update happens."""
    model, columns = current.model, current.columns
    objects: list[Any] = [
        model(engine_id=current.engine_pk, uuid=uuid, gone_since=None, **dict(zip(columns, values, strict=True)))
        for uuid, values in changed.items()
    ]
    names = [model._meta.get_field(name).name for name in columns]
    model._default_manager.bulk_create(
        objects,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["engine", "uuid"],
        update_fields=[*names, "gone_since"],
    )


def retire(current: Current, seen: Iterable[str], now: datetime, tally: Tally) -> list[int]:
    """Marks as gone what the engine no longer lists; the row stays, for its history. Returns the keys of all rows
    that this call marked."""
    listed = set(seen)
    lost = [key for uuid, (key, gone, _) in current.rows.items() if gone is None and uuid not in listed]
    if lost:
        tally.add(current.model, current.model._default_manager.filter(pk__in=lost).update(gone_since=now))
    return lost
