"""A probe: what to run, how to read it, how to judge it. Pure; one file each in inventory/probes/."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from portal.kernel.command import Command
from portal.kernel.finding import Finding
from portal.kernel.output import Output, Reply

Target = Literal["host", "engine"]


@dataclass(frozen=True)
class Traits:
    """What is known of a host before it is looked at; decides which probes apply."""

    hosted_engine: bool = False  # the engine says hosted_engine/configured, or a person declared it
    may_read: bool = False  # a person has allowed that blocks of its LUNs are read


@dataclass(frozen=True)
class Request:
    """A GET that a probe wants from an engine. path is absolute on the engine's address ("/ovirt-engine/api").
    login False: sent without a token, so it works while SSO does not. timeout in seconds."""

    path: str
    login: bool = False
    timeout: float = 5.0


@dataclass(frozen=True)
class DeclaredPath:
    """One initiator-target pair that must exist for a LUN. WWPNs as 16 lower-case hex digits, no 0x, no colons;
    "" where the transport has none."""

    hba_wwpn: str
    target_wwpn: str


@dataclass(frozen=True)
class Declared:
    """What people declared about the thing that is looked at. Nothing here has a default that could turn a
    finding green: an absent declaration is None and gives unknown or a warning that says so."""

    name: str  # the host's or engine's name, for sentences
    he_host_id: int | None = None  # this host's hosted-engine id
    he_host_ids: tuple[int, ...] | None = None  # all ids that vm-status must show
    paths: Mapping[str, tuple[DeclaredPath, ...]] | None = None  # WWID -> declared pairs; None: never declared
    ports: Mapping[str, float] | None = None  # WWPN of an FC port -> Gbit/s that it must run at; None: never declared
    checked_at: float = 0.0  # Unix seconds of the look, so that judges need no clock of their own
    mark: str = ""  # stands for all of the above but checked_at; "": it was not worked out


Facts = Any  # a probe's own frozen dataclass, made of str, int, float, bool, None, tuples and dataclasses


@dataclass(frozen=True)
class Probe:
    """title for people; every in seconds; exactly one of commands (target host) and requests (target engine),
    each a mapping from a section name to what is asked.

    parse: section name -> Output (or Reply) in, Facts out; raises ParseError.
    judge: Facts and Declared in, findings out; checks that cannot be decided are returned as unknown.
    numbers: Facts in, series name -> value out, for roll-ups; values that were not seen are left out.
    carry: Facts of this look, those of the one before as they are stored (plain JSON values, since reading back all
    of them costs more than the look itself), and the look's time (Unix seconds) in; Facts of this look out, with what
    only two looks together can tell. A KeyError or TypeError means that the stored ones are another release's. It
    begins with the second look; None: every look stands alone. bulky: parts of the stored facts that carry does not
    need; they stay in the database.
    settled: the stored facts of a look in (plain JSON values); True when the same answer under the same declaration
    gives the same facts and findings at any later time, so that it is not read again. None: never, since a judge may
    look at the time."""

    name: str
    title: str
    every: float
    target: Target
    parse: Callable[[Mapping[str, Any]], Facts]
    judge: Callable[[Facts, Declared], list[Finding]]
    commands: Mapping[str, Command] = field(default_factory=dict)
    requests: Mapping[str, Request] = field(default_factory=dict)
    numbers: Callable[[Facts], Mapping[str, float]] = lambda facts: {}
    applies: Callable[[Traits], bool] = lambda traits: True
    carry: Callable[[Facts, Mapping[str, Any], float], Facts] | None = None
    bulky: tuple[str, ...] = ()
    settled: Callable[[Mapping[str, Any]], bool] | None = None


HostOutputs = Mapping[str, Output]
EngineReplies = Mapping[str, Reply]
