"""Re-encrypting every stored secret with the first key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection, models, transaction

from portal.access.sealed import SealedField, newest, reseal

BATCH = 200


@dataclass
class Rotation:
    """What one rotation did. stuck: rows whose secret fits no key, as "table.column #key"."""

    turned: int = 0
    already: int = 0
    stuck: list[str] = field(default_factory=list)


def rotate() -> Rotation:
    """Goes through every SealedField, a batch at a time: an interrupted rotation goes on where it stopped when it is
    started again, since what the first key opens is left alone. A row that changes meanwhile is left to its writer."""
    done = Rotation()
    for model, column in _sealed():
        after = 0
        while rows := _rows(model, column, after):
            with transaction.atomic():
                for key, token in rows:
                    _turn(done, model, column, key, token)
            after = rows[-1][0]
    return done


def _sealed() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        for one in model._meta.concrete_fields:
            if isinstance(one, SealedField) and one.column:
                yield model, one.column


def _rows(model: type[models.Model], column: str, after: int) -> list[tuple[int, str]]:
    table, key, name = (connection.ops.quote_name(word) for word in (*_table(model), column))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {name} FROM {table} WHERE {key} > %s AND {name} <> '' ORDER BY {key} LIMIT %s",  # noqa: S608 (quoted names)
            [after, BATCH],
        )
        return list(cursor.fetchall())


def _turn(done: Rotation, model: type[models.Model], column: str, key: int, token: str) -> None:
    if newest(token):
        done.already += 1
        return
    try:
        fresh = reseal(token)
    except ValueError:
        done.stuck.append(f"{model._meta.db_table}.{column} #{key}")
        return
    table, pk, name = (connection.ops.quote_name(word) for word in (*_table(model), column))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {name} = %s WHERE {pk} = %s AND {name} = %s",  # noqa: S608 (quoted names)
            [fresh, key, token],
        )
        done.turned += cursor.rowcount


def _table(model: type[models.Model]) -> tuple[str, str]:
    return model._meta.db_table, model._meta.pk.column or "id"
