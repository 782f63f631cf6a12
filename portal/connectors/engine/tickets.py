"""The SSO token: fetched within a deadline, one per account and process, renewed on 401, revoked at the end.

Every login writes an audit event at the engine, so a token is kept and shared (facts/engine-api.md 0.20). `exp` in
the answer is the largest 64-bit number and says nothing: renewal is reactive (facts/engine-api.md 1.2)."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import pycurl

from portal.connectors.engine import wire
from portal.connectors.engine.errors import EngineFailed, Protocol, Refused, from_curl
from portal.kernel.secret import Secret

LOGIN = "the login"
LOGIN_SECONDS = 10.0  # a login's own deadline: PAM, LDAP or Keycloak may stand behind it
LOGOUT_SECONDS = 3.0
# A refused password is not tried again for this long, doubled with each further refusal: each try counts towards the
# account's lock. The first waits are short, since Keycloak says the same while it starts.
REFUSAL_SECONDS, LONGEST_REFUSAL = 60.0, 900.0
_WRONG_PASSWORD = frozenset({"access_denied", "invalid_grant"})
_TODO = {"server_error": "Look at the engine's server.log and at its database."}
_JSON = {"Accept": "application/json", "User-Agent": "Holdfast"}  # Accept exactly so, else HTTP 400


@dataclass(frozen=True)
class Credentials:
    """How to reach one engine. url ends in /ovirt-engine/api. username is free text (admin@internal,
    admin@ovirt@internalsso). ca_pem "": the system's CAs. name is for sentences; "" takes the address."""

    url: str
    username: str
    password: Secret
    ca_pem: str = ""
    name: str = ""

    @property
    def shown(self) -> str:
        """The engine's name in sentences."""
        return self.name or urlsplit(self.url).netloc

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def encrypted(self) -> bool:
        """True when what the engine says came over verified TLS."""
        return self.url.lower().startswith("https://")


@dataclass
class Ticket:
    """One account's token in this process. Thread-safe; a fetch happens once, however many threads need it."""

    credentials: Credentials
    users: int = 0
    token: Secret = field(default_factory=lambda: Secret(""))
    refused: Refused | None = None
    refused_at: float = 0.0
    refusals: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self, timeout: float) -> Secret:
        """The token, fetched when there is none. Raises EngineFailed."""
        return self.after(Secret(""), timeout)

    def after(self, dead: Secret, timeout: float) -> Secret:
        """A token other than `dead`; fetched only when nobody else did so meanwhile. Raises EngineFailed, at the
        latest after `timeout` seconds of waiting for another thread's login and as many for its own."""
        if not self.lock.acquire(timeout=timeout):
            raise from_curl(self.credentials.shown, LOGIN, pycurl.E_OPERATION_TIMEDOUT, "another login is under way")
        try:
            if not self.token or self.token == dead:
                self.token = Secret("")
                self.token = self._fetch(min(timeout, LOGIN_SECONDS))
            return self.token
        finally:
            self.lock.release()

    @property
    def refusal_seconds(self) -> float:
        """How long the last refusal stands."""
        return float(min(LONGEST_REFUSAL, REFUSAL_SECONDS * 2 ** max(0, self.refusals - 2)))

    def revoke(self) -> None:
        """Ends the token at the engine, within LOGOUT_SECONDS; a silent engine only keeps it until it idles out."""
        token, self.token = self.token, Secret("")  # without the lock: a login that hangs must not hold up the end
        if not token:
            return
        form = urlencode({"scope": "ovirt-app-api", "token": token.reveal()})
        try:
            self._post("/ovirt-engine/services/sso-logout", form, LOGOUT_SECONDS)
        except pycurl.error:
            return  # nothing depends on it: the engine revokes idle tokens by itself

    def _post(self, path: str, form: str, timeout: float) -> wire.Answer:
        url = self.credentials.origin + path
        return wire.fetch(url, timeout=timeout, ca_pem=self.credentials.ca_pem, headers=_JSON, form=form)

    def _fetch(self, timeout: float) -> Secret:
        if self.refused and time.monotonic() - self.refused_at < self.refusal_seconds:
            raise self.refused
        self.refused = None
        form = urlencode(
            {
                "grant_type": "password",
                "scope": "ovirt-app-api",
                "username": self.credentials.username,
                "password": self.credentials.password.reveal(),
            }
        )
        try:
            answer = self._post("/ovirt-engine/sso/oauth/token", form, timeout)
        except pycurl.error as error:
            raise from_curl(self.credentials.shown, LOGIN, int(error.args[0]), str(error.args[-1])) from None
        return self._read(answer)

    def _read(self, answer: wire.Answer) -> Secret:
        said = _object(answer.body)
        token = said.get("access_token")
        if answer.status == 200 and isinstance(token, str) and token:
            self.refusals = 0
            return Secret(token)
        if "error" in said or "error_code" in said:
            raise self._refusal(answer.status, said)
        raise self._unreadable(answer)

    def _refusal(self, status: int, said: dict[str, Any]) -> EngineFailed:
        # the engine's own form has error_code + error (the message), OAuth's has error + error_description
        code = str(said.get("error_code") or said.get("error"))
        detail = str(said.get("error_description") or said.get("error") or "")
        shown, user = self.credentials.shown, self.credentials.username
        refusal = Refused(
            f"Engine {shown} refuses the login of {user} ({code}): {detail.rstrip('.')}. "
            f"{_TODO.get(code, 'Check the account and the password stored for this engine.')}",
            status=status,
            detail=detail,
        )
        if code in _WRONG_PASSWORD:
            self.refused, self.refused_at = refusal, time.monotonic()
            self.refusals += 1
        return refusal

    def _unreadable(self, answer: wire.Answer) -> EngineFailed:
        shown = self.credentials.shown
        if answer.status in (502, 503, 504):
            sentence = f"Engine {shown} is starting (HTTP {answer.status} from its web server): no login yet. Wait."
        else:
            sentence = (
                f"Engine {shown} answers the login with HTTP {answer.status} and no token "
                f"({answer.content_type or 'no content type'}). Check that its address is an engine's."
            )
        return Protocol(sentence, status=answer.status, detail=answer.body[:300].decode("utf-8", "replace"))


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


class _Shelf:
    """This process's tickets."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Forgets all without revoking: a forked child must neither share a lock nor end its parent's token."""
        self.lock = threading.Lock()
        self.tickets: dict[Credentials, Ticket] = {}


_shelf = _Shelf()
os.register_at_fork(after_in_child=_shelf.empty)


def take(credentials: Credentials) -> Ticket:
    """The process's ticket for these credentials; every take is matched by one `give_back`."""
    with _shelf.lock:
        ticket = _shelf.tickets.setdefault(credentials, Ticket(credentials))
        ticket.users += 1
        return ticket


def give_back(ticket: Ticket) -> None:
    """One user less; the last one revokes the token."""
    with _shelf.lock:
        ticket.users -= 1
        last = ticket.users <= 0
        if last:
            _shelf.tickets.pop(ticket.credentials, None)
    if last:
        ticket.revoke()
