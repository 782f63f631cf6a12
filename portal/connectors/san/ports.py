"""What every vendor's connector offers: a look at a switch or an array, as the kernel's shapes. Nothing here writes."""

from __future__ import annotations

from typing import Protocol

from portal.kernel.san import ArraySeen, SwitchSeen


class FabricReader(Protocol):
    """Looks at one switch. Raises LookFailed when nothing was learned; what a part of the look could not
    read stands in the result's `unread`."""

    def look(self) -> SwitchSeen: ...


class ArrayReader(Protocol):
    """Looks at one array, as FabricReader does at a switch."""

    def look(self) -> ArraySeen: ...
