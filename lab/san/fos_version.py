"""The releases of Fabric OS that a switch can run, and what differs between them on the wire (facts/san.md 1.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """text: as the switch prints it. loose: one-element lists and errors come as objects. strings: words beside the
    numbers, and a body at the login. modules: brocade-module-version answers. old_uris: of the first REST releases."""

    text: str
    loose: bool = False
    strings: bool = False
    modules: bool = True
    error_log: bool = True
    old_uris: bool = False


VERSIONS = {
    "8.2.1": Version("v8.2.1a", loose=True, modules=False, error_log=False, old_uris=True),
    "8.2.3": Version("v8.2.3c1"),
    "9.1": Version("v9.1.0b", strings=True),
}
