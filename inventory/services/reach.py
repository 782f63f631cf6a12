"""How a host or an engine is reached, and what it means when it is not."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from inventory.models import Engine, Host
from portal.connectors.engine import Credentials
from portal.connectors.ssh import Address, KeyChanged, LoginRefused, NotPinned
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import LookFailed, sha256


def address(host: Host) -> Address:
    """Where and as whom a host is asked, with its pinned key. Needs host.engine loaded."""
    return Address(
        name=host.name,
        host=host.address.strip("[]"),  # an IPv6 address may be recorded as in a URL
        port=host.ssh_port,
        user=host.ssh_user or host.engine.ssh_user,
        host_key=host.pinned_key,
    )


def engine_address(engine: Engine) -> Address:
    """Where and as whom the engine VM is asked over SSH, with the key that a person has pinned."""
    return Address(
        name=f"the VM of {engine.name}",
        host=(engine.vm_address or urlsplit(engine.url).hostname or "").strip("[]"),
        port=engine.vm_port,
        user=engine.vm_user or engine.ssh_user,
        host_key=engine.vm_host_key,
    )


def credentials(engine: Engine) -> Credentials:
    """How an engine is asked."""
    return Credentials(
        url=engine.url, username=engine.username, password=engine.password, ca_pem=engine.ca_pem, name=engine.name
    )


@dataclass(frozen=True)
class Reach:
    """Whether a host let us in: the findings of the visit itself, kept apart from what the host said."""

    answers: bool
    asked: str
    error: str
    offered: str
    findings: tuple[Finding, ...]

    @property
    def digest(self) -> str:
        return sha256(f"{self.asked}\n{self.error}\n{self.offered}".encode())

    @property
    def mark(self) -> str:
        """Stands for all of it: while it stays, there is nothing new."""
        return sha256(repr(self).encode())

    @classmethod
    def answered(cls, host: Host) -> Reach:
        """The host answered over its pinned key."""
        subject = Subject("host", host.name)
        words = f"{host.name} answers SSH on {host.address} port {host.ssh_port} with its pinned key."
        return cls(True, _asked(host), "", "", (Finding("answers", Outcome.OK, subject, words),))

    @classmethod
    def refused(cls, host: Host, error: LookFailed, offered: str) -> Reach:
        """No way in. Not answering is something that was seen (fail); what runs on the host is not known."""
        subject = Subject("host", host.name)
        known = isinstance(error, KeyChanged | LoginRefused | NotPinned)
        check = Finding("answers", Outcome.UNKNOWN if known else Outcome.FAIL, subject, str(error))
        trust = [Finding("trust", Outcome.FAIL, subject, str(error))] if known else []
        return cls(False, _asked(host), str(error), offered, (check, *trust))


def _asked(host: Host) -> str:
    return f"{host.ssh_user or host.engine.ssh_user}@{host.address}:{host.ssh_port}"
