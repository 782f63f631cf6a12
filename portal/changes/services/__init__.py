"""What the rest of the portal does with changes: bind an act to one, read it back, decide, queue what is owed to it."""

from portal.changes.services.binding import BindRefused, bind, in_charge
from portal.changes.services.deciding import FRESH, decided, fresh
from portal.changes.services.delivering import withdraw
from portal.changes.services.looking import look
from portal.changes.services.queueing import Result, attach, close, note

__all__ = [
    "FRESH", "BindRefused", "Result", "attach", "bind", "close", "decided", "fresh", "in_charge", "look", "note",
    "withdraw",
]  # fmt: skip
