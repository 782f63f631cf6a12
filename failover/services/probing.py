"""The drill prober: asks the services of engines that are drilled, and writes what it saw as Spans. Beside them it
asks, always, the services of which something is promised (services/steady.py).

Only one at a time writes: it holds an advisory lock of the database. What cannot be written is kept, since the clock of
a drill must outlive a database that restarts. docs/adr/0018."""

from __future__ import annotations

from collections.abc import Callable

from django.db import Error, IntegrityError, connection

from failover.catalog.stretches import Stretch
from failover.models import Drill, Span
from failover.services import boottime, concluding
from failover.services.asker import Asker, Question
from failover.services.steady import Steady
from failover.services.watching import ENGINE, questions, watched

__all__ = ["ENGINE", "EVERY", "Prober", "write"]

EVERY = 1.0  # seconds between two writes
MOST = 5000  # spans that are kept for a database that is away
IDLE = "No drill is under way."
LOCK = 0x686F6C6466617374  # "holdfast"

Key = tuple[int, str, str, float]  # as Span's constraint


class Prober:
    """say: takes one line for whoever reads the process's output."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._said = IDLE  # which needs no saying at the start
        self._askers: dict[Question, Asker] = {}
        self._drills: dict[int, list[int]] = {}
        self._kept: dict[Key, Stretch] = {}
        self._refused: set[int] = set()  # drills whose conclusion the evidence does not take
        self._steady = Steady(say)
        self._session: object = None  # the database session that holds the lock

    def round(self) -> None:
        """To be called every second: what is to be asked, and what was seen into the database."""
        self._collect()
        self._steady.collect()
        try:
            if self._alone():
                self._follow()
                self._steady.follow()
            else:
                self._rest("Another drill prober is at work: this one waits.")
                self._steady.rest()
            self._save()
            self._steady.save()
            self._conclude()
        except Error as error:
            connection.close()
            kept = len(self._kept) + self._steady.kept
            self._once(f"The database does not take what was seen; {kept} spans are kept. {error}")

    def end(self) -> None:
        """Asks no more and writes what it has."""
        self._stop(list(self._askers))
        self._steady.rest()
        try:
            self._save()
            self._steady.save()
        except Error as error:
            self._say(
                f"{len(self._kept) + self._steady.kept} spans are lost, since the database does not take them. {error}"
            )
        connection.close()

    def _alone(self) -> bool:
        connection.ensure_connection()
        if connection.connection is self._session:
            # a session that is gone is noticed by the next statement
            return True
        with connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_lock(%s)", [LOCK])
            held = bool(cursor.fetchone()[0])
        self._session = connection.connection if held else None
        return held

    def _follow(self) -> None:
        drills = watched()
        wanted = questions(list(drills)) if drills else set()
        self._stop([question for question in self._askers if question not in wanted])
        self._drills = drills
        for question in wanted - self._askers.keys():
            self._askers[question] = Asker(question)
        self._once(f"Asks {len(wanted)} services of {len(drills)} engines." if wanted else IDLE)

    def _rest(self, why: str) -> None:
        self._stop(list(self._askers))
        self._drills = {}
        self._once(why)

    def _stop(self, gone: list[Question]) -> None:
        for question in gone:
            asker = self._askers.pop(question)
            asker.end()
            self._keep(question, asker.taken())

    def _collect(self) -> None:
        for question, asker in self._askers.items():
            self._keep(question, asker.taken())

    def _keep(self, question: Question, stretches: list[Stretch]) -> None:
        for stretch in stretches:
            for drill in self._drills.get(question.engine, []):
                self._kept[drill, question.service, boottime.boot(), stretch.began.mono] = stretch
        if len(self._kept) > MOST:
            self._forget(len(self._kept) - MOST)

    def _forget(self, count: int) -> None:
        """The oldest go: a hole reads as "not asked", never as up or down."""
        oldest = sorted(self._kept, key=lambda key: key[3])[:count]
        first, last = self._kept[oldest[0]].began.at, self._kept[oldest[-1]].last.at
        for key in oldest:
            del self._kept[key]
        self._say(
            f"{count} spans from {first:%H:%M:%S} to {last:%H:%M:%S} UTC are lost: the database is away too long."
        )

    def _save(self) -> None:
        if not self._kept:
            return
        try:
            write(self._kept)
        except IntegrityError:
            there = set(Drill.objects.filter(pk__in={key[0] for key in self._kept}).values_list("pk", flat=True))
            self._kept = {key: stretch for key, stretch in self._kept.items() if key[0] in there}
            write(self._kept)
        self._kept = {}

    def _conclude(self) -> None:
        if self._session is None:
            return
        for pk in concluding.due():
            try:
                concluding.conclude(pk)
            except (TypeError, ValueError) as error:
                if pk not in self._refused:
                    self._say(f"What drill {pk} measured cannot be put on record: {error}")
                self._refused.add(pk)

    def _once(self, words: str) -> None:
        if words != self._said:
            self._say(words)
        self._said = words


def write(kept: dict[Key, Stretch]) -> None:
    """Writes spans, new ones and ones that went on. Repeating it is harmless. Raises django.db.Error."""
    rows = [
        Span(
            drill_id=drill,
            service=service,
            boot=boot,
            up=one.up,
            why=one.why,
            began_mono=began,
            last_mono=one.last.mono,
            began=one.began.at,
            last=one.last.at,
            questions=one.questions,
            widest=one.widest,
        )
        for (drill, service, boot, began), one in kept.items()
    ]
    Span.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["drill", "service", "boot", "began_mono"],
        update_fields=["why", "last_mono", "last", "questions", "widest"],
    )
