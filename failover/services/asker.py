"""One service asked at its own rhythm, in threads of its own: a service that hangs delays neither the others nor its
own next question."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from failover.catalog.stretches import Line, Stretch, Tick
from failover.services import boottime
from portal.connectors.asking import Answered, ask

TIMEOUT = 3.0  # seconds until a question counts as not answered
FASTEST, SLOWEST = 0.1, 60.0  # seconds between two questions, whatever was declared


@dataclass(frozen=True)
class Question:
    """What is asked, of which engine's services. every: seconds."""

    engine: int
    service: str
    kind: str
    address: str
    words: str = ""
    ca_pem: str = ""
    every: float = 0.5


def hole(every: float) -> float:
    """Seconds between two answers from which on nobody asked in between: a slow answer and a few late questions fit."""
    return TIMEOUT + 3 * every


class Asker:
    """Asks from its making until `end`. hurried: seconds between two questions while it does not answer, where that is
    less than its own rhythm. step: see catalog.stretches.Line."""

    def __init__(self, question: Question, *, hurried: float = SLOWEST, step: float = math.inf) -> None:
        self.question = question
        self.every = min(SLOWEST, max(FASTEST, question.every))
        self._hurried = min(hurried, self.every)
        self._serves = True
        self._most = math.ceil(TIMEOUT / self._hurried) + 1
        self._line = Line(hole(self.every), step)
        self._guard = threading.Lock()
        self._ended = False
        self._stir = threading.Event()  # it ends, or has stopped answering
        self._lanes = ThreadPoolExecutor(self._most, thread_name_prefix=f"ask {question.service}")
        self._rhythm = threading.Thread(target=self._beat, name=f"rhythm {question.service}", daemon=True)
        self._rhythm.start()

    def _beat(self) -> None:
        due = boottime.mono()
        while not self._ended:
            if self._stir.wait(max(0.0, due - boottime.mono())):
                self._stir.clear()
                due = min(due, boottime.mono() + self._hurried)
                continue
            with self._guard:
                number = self._line.asked(_tick()) if self._line.waiting < self._most else None
            if number is not None:
                self._lanes.submit(self._ask, number)
            # a beat that is late is not made up for by two at once
            due = max(due + (self.every if self._serves else self._hurried), boottime.mono())

    def _ask(self, number: int) -> None:
        question = self.question
        said = Answered(None, "the question fails in the portal", 0.0)
        try:
            said = ask(question.address, question.kind, question.words, question.ca_pem, TIMEOUT)
        finally:
            with self._guard:
                self._line.answered(number, _tick(), said.up, said.why)
                fell, self._serves = self._serves and said.up is not True, said.up is True
            if fell:
                self._stir.set()

    def taken(self) -> list[Stretch]:
        """Copies of the stretches that are new or went on since the last call."""
        with self._guard:
            return [replace(one) for one in self._line.taken()]

    def end(self) -> None:
        """Asks no more. Questions that are under way end by themselves, within TIMEOUT."""
        self._ended = True
        self._stir.set()
        self._rhythm.join()
        self._lanes.shutdown(wait=False, cancel_futures=True)


def _tick() -> Tick:
    now = boottime.now()
    return Tick(now.mono, now.at)
