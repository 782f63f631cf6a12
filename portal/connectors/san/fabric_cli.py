"""A Brocade switch by its command line over SSH: the fallback and the cross-check (facts/san.md 1.2).

The commands are these and no others; each only shows. One connection per look, one command after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import paramiko

from portal.connectors.san.errors import Garbled, Unreachable
from portal.connectors.san.gate import Gate, Turn, process_turn, shared, taken
from portal.connectors.san.https import Account
from portal.connectors.san.parts import Parts
from portal.connectors.san.reading import cli_counters, cli_names, cli_switch, cli_zoning
from portal.connectors.san.reading.cli_join import Told, joined
from portal.connectors.san.reading.cli_text import lines
from portal.connectors.san.reading.leaves import Unreadable
from portal.connectors.ssh_address import Address, LoginRefused
from portal.connectors.ssh_connection import Answer, Connection, Crowded, Lost, connect
from portal.connectors.ssh_keys import read_private
from portal.kernel.output import LookFailed
from portal.kernel.san import SwitchSeen
from portal.kernel.secret import Secret

COMMANDS = (
    "switchshow",
    "fabricshow",
    "islshow",
    "trunkshow",
    "nsshow -t",
    "nscamshow -t",
    "cfgshow",
    "cfgtransshow",
    "porterrshow",
    "sfpshow -all",
    "errdump",
    "version",
)
PORT_COMMAND = "portstatsshow"  # with a port's number behind it
LARGEST_OUTPUT = 16 * 1024 * 1024  # bytes of one command
CONNECT_SECONDS = 5.0
FIRST_BYTE = 15.0  # seconds until the switch takes a command
COMMAND_SECONDS = 40.0
LOOK_SECONDS = 120.0
MOST_CONNECTIONS = 4  # of one look; each that is lost is replaced

_NOT_AGAIN = "The password is not sent again until it is entered anew."

T = TypeVar("T")
Other = TypeVar("Other")


@dataclass
class FabricCli:
    """A FabricReader. address: with the switch's pinned host key and a read-only account; private_key: OpenSSH PEM,
    or "" for a login with the password. turn, gate and vf_id as for FabricRest. port_counters: one more command
    for each port that is online."""

    address: Address
    private_key: Secret
    turn: Turn = process_turn
    vf_id: int = -1
    port_counters: bool = True
    look_seconds: float = LOOK_SECONDS
    password: Secret = field(default_factory=lambda: Secret(""))
    gate: Gate = shared

    def look(self) -> SwitchSeen:
        """Everything that the commands tell. Raises LookFailed when there is no login or no turn, or when switchshow
        cannot be read."""
        with self.turn(self.address.host) as mine:
            if not mine:
                raise taken(self.address.name)
            shell = _Shell(self.address, self._key, self.vf_id, time.monotonic() + self.look_seconds)
            try:
                shell.connect()
                return _Look(shell, self.port_counters).seen()
            except LoginRefused as refused:
                if self.password:
                    self.gate.refuse(self._door, Account(self.address.user, self.password), f"{refused} {_NOT_AGAIN}")
                raise
            finally:
                shell.close()

    def _key(self) -> paramiko.PKey | Secret:
        """What to log in with. Raises LookFailed when there is nothing, or when this password was refused before."""
        if not self.private_key and self.password:
            self.gate.admit(self.address.name, self._door, Account(self.address.user, self.password))
            return self.password
        try:
            return read_private(self.private_key)
        except ValueError as error:
            raise Garbled(f"The portal has no key for {self.address.name}. {error} Enter it again.") from None

    @property
    def _door(self) -> str:
        return f"{self.address.host}:{self.address.port}"


@dataclass
class _Shell:
    """Commands over one connection, which is made anew when a command had to be cut off."""

    address: Address
    key: Callable[[], paramiko.PKey | Secret]
    vf_id: int
    until: float
    _connection: Connection | None = None
    _made: int = 0
    over: LookFailed | None = None  # why nothing more is asked

    def connect(self) -> Connection:
        """The open connection. Raises LookFailed."""
        if self._connection is None or not self._connection.alive:
            self.close()
            if self._made >= MOST_CONNECTIONS:
                raise Unreachable(f"The SSH connection to {self.address.name} was lost {self._made} times in one look.")
            self._made += 1
            self._connection = connect(self.address, self.key(), CONNECT_SECONDS)
        return self._connection

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.wire.cut()
            self._connection = None

    def lines(self, command: str) -> list[str]:
        """A command's output. Raises LookFailed, or Unreadable with the rest of "... cannot be read: "."""
        if command not in COMMANDS and not _is_port_command(command):
            raise ValueError(f"{command} is not one of the commands that only show")
        if self.over is not None:
            raise self.over
        left = self.until - time.monotonic()
        if left <= 0:
            self.over = Unreachable(f"The time for one look at {self.address.name} was over before {command}.")
            raise self.over
        try:
            answer = self._run(command, min(left, COMMAND_SECONDS))
        except LookFailed as error:
            self.over = error
            raise
        if answer.over:
            raise Unreadable(f"{command} prints more than {LARGEST_OUTPUT} bytes")
        if not answer.whole:
            raise Unreadable(f"{command} did not end within {min(left, COMMAND_SECONDS):.0f} s")
        return lines(answer.stdout if answer.stdout.strip() else answer.stderr)

    def _run(self, command: str, seconds: float) -> Answer:
        line = f'fosexec --fid {self.vf_id} -cmd "{command}"' if self.vf_id >= 0 else command
        try:
            return self.connect().act(line, None, min(FIRST_BYTE, seconds), seconds, LARGEST_OUTPUT)
        except Crowded:
            self.close()  # one session for each connection: take another connection
        except Lost:
            self.close()
        try:
            return self.connect().act(line, None, min(FIRST_BYTE, seconds), seconds, LARGEST_OUTPUT)
        except Crowded:
            raise Unreachable(f"{self.address.name} opens no SSH session for {command}. End sessions there.") from None
        except Lost as lost:
            why = f": {lost}" if str(lost) else ""
            raise Unreachable(f"The SSH connection to {self.address.name} was lost at {command}{why}.") from None


def _is_port_command(command: str) -> bool:
    name, _, port = command.partition(" ")
    return name == PORT_COMMAND and port.isdecimal() and port.isascii()


@dataclass
class _Look:
    """All commands of one look."""

    shell: _Shell
    port_counters: bool
    parts: Parts = field(init=False)

    def __post_init__(self) -> None:
        self.parts = Parts(self.shell.address.name)

    def seen(self) -> SwitchSeen:
        """What the redundancy proof needs first comes first."""
        told = Told(self.shell.address.name)
        told.shown = self._read("ports", "The ports", "switchshow", cli_switch.switchshow, None)
        if told.shown is None:  # without the switch's WWN nothing could be joined with anything
            raise self.shell.over or Garbled(self.parts.unread["ports"])
        told.zoning = self._read("zoning", "The zoning", "cfgshow", cli_zoning.cfgshow, None)
        told.transaction = self._read(
            "transaction", "The open transaction", "cfgtransshow", cli_zoning.cfgtransshow, None
        )
        told.local = self._read("logins", "The logins", "nsshow -t", cli_names.logins, ())
        told.remote = self._read("logins", "The other switches' logins", "nscamshow -t", cli_names.logins, ())
        told.members = self._read("members", "The switches", "fabricshow", cli_switch.fabricshow, ())
        told.links = self._read("links", "The links", "islshow", cli_switch.islshow, {})
        told.trunks = self._read("trunks", "The trunks", "trunkshow", cli_switch.trunkshow, {})
        told.firmware = self._read("firmware", "The version", "version", cli_switch.version, "")
        told.counters = self._read("counters", "The counters", "porterrshow", cli_counters.porterrshow, {})
        told.sfps = self._read("sfps", "The optics", "sfpshow -all", cli_counters.sfpshow, ())
        told.log = self._read("log", "The log", "errdump", cli_counters.errdump, ())
        told.exact = self._exact(told) if self.port_counters else {}
        self._unconfirmed(told)
        return joined(told, self.parts.unread)

    def _read(
        self, part: str, what: str, command: str, reader: Callable[[list[str]], T], otherwise: Other
    ) -> T | Other:
        return self.parts.read(part, what, lambda: reader(self.shell.lines(command)), otherwise)

    def _exact(self, told: Told) -> dict[int, dict[str, int]]:
        online = [port.number for port in told.shown.ports if port.state == "online"] if told.shown else []
        found = {
            port: self._read(
                "port counters",
                f"The counters of port {port}",
                f"{PORT_COMMAND} {port}",
                cli_counters.portstatsshow,
                {},
            )
            for port in online
        }
        return {port: values for port, values in found.items() if values}

    def _unconfirmed(self, told: Told) -> None:
        if told.shown and told.shown.unconfirmed:
            self.parts.unread["domain"] = (
                f"The domain of {told.shown.name} is not confirmed: its fabric is being built. Wait for the next look."
            )
