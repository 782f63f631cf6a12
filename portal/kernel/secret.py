"""A string that prints as ***, wherever it ends up: logs, reprs, templates, JSON, tracebacks."""

from __future__ import annotations

from typing import NoReturn

MASK = "***"


class Secret:
    """Holds a secret; only `reveal()` gives it back, so that every place that uses one can be found by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Call it at the last moment, on the way into a protocol."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass the key of the row that holds it")
