"""A look in parts: what one part could not read becomes a sentence, and the others stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from portal.connectors.san.reading.leaves import Unreadable
from portal.kernel.output import LookFailed

T = TypeVar("T")
Other = TypeVar("Other")


@dataclass
class Parts:
    """Collects the parts of one look. unread: part -> why, one sentence each; the part's name is the field's name of
    the shape that is delivered."""

    name: str
    unread: dict[str, str] = field(default_factory=dict)

    def read(self, part: str, what: str, reader: Callable[[], T], otherwise: Other) -> T | Other:
        """What the reader gives, or `otherwise` and a sentence. what: words for the part, as in "The ports"."""
        try:
            return reader()
        except Unreadable as error:
            self.unread.setdefault(part, f"{what} of {self.name} cannot be read: {str(error).rstrip('.')}.")
        except LookFailed as error:
            self.unread.setdefault(part, str(error))
        return otherwise
