"""What a command of the API is, and the register of them (facts/engine-api.md 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from xml.etree import ElementTree

from lab.engine.shapes import API, ref
from lab.engine.state import Account, Engine
from lab.world import Host, Vm


class Denied(Exception):
    """A command refused by its validation or failed. detail without Java's brackets."""

    def __init__(self, status: int, detail: str, reason: str = "Operation Failed") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.reason = reason


@dataclass
class Call:
    """One action: who calls, upon what, with what. extra: elements that the command adds to the echo."""

    engine: Engine
    account: Account
    correlation: str
    path: tuple[str, ...]
    body: ElementTree.Element
    extra: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The text of one element of the request, "" when absent."""
        return (self.body.findtext(name) or "").strip()

    def truth(self, name: str) -> bool:
        """A boolean element of the request; absent is false."""
        return self.text(name).lower() == "true"

    def host(self) -> Host:
        """The host acted upon."""
        found = self.engine.host(self.path[1])
        if found is None:
            raise Denied(400, "Host does not exist.")
        return found

    def vm(self) -> Vm:
        """The VM acted upon."""
        found = self.engine.world.vms.get(self.path[1])
        if found is None:
            raise Denied(400, "VM not found.")
        return found

    def job(self, identifier: str) -> None:
        """Names the job in the echo."""
        self.extra["job"] = ref("job", f"{API}/jobs/{identifier}", identifier)


Command = Callable[[Call], Awaitable[None]]
COMMANDS: dict[tuple[str, str], Command] = {}  # (collection, verb); filled by actions_*.py


def command(place: str, verb: str) -> Callable[[Command], Command]:
    """Registers a command."""

    def keep(function: Command) -> Command:
        COMMANDS[place, verb] = function
        return function

    return keep
