"""A bounded pipe between the thread that opens an age file and whoever reads the plaintext. In memory only."""

from __future__ import annotations

import io
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE = 256 * 1024  # bytes handed over at once: a turn between threads costs more than the copy
DEPTH = 4  # pieces that wait, at most


class Left(Exception):
    """The reader has gone, so the writer stops."""


class Pipe(io.RawIOBase):
    """One writer, one reader. The reader's end comes only when the writer said that all is well."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = threading.Condition()
        self._gathered = bytearray()  # the writer's alone
        self._waiting: deque[bytes] = deque()
        self._given = memoryview(b"")  # the reader's alone
        self._ended = self._left = False
        self._failure: BaseException | None = None

    def write(self, piece: bytes) -> int:  # type: ignore[override]  # pyrage gives bytes
        """Takes a piece; waits while DEPTH pieces wait. Raises Left."""
        self._gathered += piece
        if len(self._gathered) >= PIECE:
            self._hand_over()
        return len(piece)

    def end(self, failure: BaseException | None) -> None:
        """No more comes: all was written, or failure ended it. What came before it is still read."""
        try:
            if self._gathered:
                self._hand_over()
        except Left:
            pass
        with self._turn:
            self._ended, self._failure = True, failure
            self._turn.notify_all()

    def _hand_over(self) -> None:
        with self._turn:
            self._turn.wait_for(lambda: len(self._waiting) < DEPTH or self._left)
            if self._left:
                raise Left
            self._waiting.append(bytes(self._gathered))
            self._turn.notify_all()
        self._gathered.clear()

    def wait(self) -> None:
        """Waits for the first bytes or the end; raises what ended it before any came."""
        with self._turn:
            self._turn.wait_for(lambda: self._waiting or self._ended)
            if not self._waiting and self._failure is not None:
                raise self._failure

    def readable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer) -> int:
        """Fills target as far as the current piece goes; 0 at the end. Raises what ended the writer."""
        if not self._given:
            self.wait()
            with self._turn:
                if not self._waiting:
                    return 0
                self._given = memoryview(self._waiting.popleft())
                self._turn.notify_all()
        room = memoryview(target).cast("B")
        count = min(len(room), len(self._given))
        room[:count] = self._given[:count]
        self._given = self._given[count:]
        return count

    def leave(self) -> None:
        """The reader is done; the writer's next piece stops it."""
        with self._turn:
            self._left = True
            self._waiting.clear()
            self._turn.notify_all()
