"""One DeviceManager session: on either management address, kept by whoever calls, renewed at most once in a look.

facts/san.md 2.1: every value that says whether a call went well is in the body; a session idles out after 20 minutes;
the number of sessions is capped, so each is ended that is not kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from portal.connectors.san.errors import Busy, Garbled, Refused, SanFailed, Unreachable, Untrusted
from portal.connectors.san.gate import Gate
from portal.connectors.san.https import Account, Answer, Door, Endpoint
from portal.connectors.san.reading.array_body import Heard, Means, heard
from portal.connectors.san.reading.leaves import Row, Unreadable, text, whole
from portal.kernel.secret import Secret

LOGIN_PATH = "/deviceManager/rest/xxxxx/sessions"
LOGIN_SECONDS, LOGOUT_SECONDS, REQUEST_SECONDS = 20.0, 5.0, 30.0
_MUST_CHANGE = frozenset({3, 4})  # the password has expired, or must be reset


@dataclass(frozen=True)
class Token:
    """A session that may be used again. where: the management address that gave it. Prints without its secrets."""

    where: str
    device: str
    token: Secret
    cookie: Secret


class TokenCache(Protocol):
    """Where the caller keeps an array's session between looks, for all its workers."""

    def get(self) -> Token | None: ...

    def put(self, token: Token | None) -> None: ...


@dataclass
class Kept:
    """A TokenCache of one process."""

    token: Token | None = None

    def get(self) -> Token | None:
        """The session, if there is one."""
        return self.token

    def put(self, token: Token | None) -> None:
        """Keeps it, or forgets it."""
        self.token = token


@dataclass
class ArraySession:
    """Requests of one look, from several threads. until: monotonic seconds."""

    addresses: Sequence[Endpoint]
    account: Account
    gate: Gate
    cache: TokenCache
    until: float
    scope: str = "0"
    clock: Callable[[], float] = time.monotonic
    silent: dict[str, str] = field(default_factory=dict)  # management address -> why it was not used
    _token: Token | None = None
    _renewed: bool = False
    _kept: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)  # the connections
    _renewing: threading.RLock = field(default_factory=threading.RLock)  # the session, held during a login
    _doors: threading.local = field(default_factory=threading.local)
    _open: list[Door] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The array's name in sentences."""
        return self.addresses[0].name

    def open(self) -> None:
        """Takes the kept session, or logs in. Raises SanFailed."""
        token = self.cache.get()
        if token is not None and any(one.where == token.where for one in self.addresses):
            self._token, self._kept = token, True
            return
        self._log_in()

    @property
    def device(self) -> str:
        """The array's serial number, as its login told it."""
        return self._token.device if self._token else ""

    def get(self, resource: str, *, first: bool = False) -> tuple[Heard, Answer]:
        """One GET below the device. A session that has ended is replaced once in a look; on the first request any
        failure of a kept session counts as its end. Raises SanFailed and Unreadable."""
        token = self._current()
        try:
            said, answer = self._get(token, resource)
        except Unreachable:
            if not (first and self._kept):
                raise
            said, answer = Heard(Means.LOGIN), Answer(0)
        stale = said.means is Means.LOGIN or (first and self._kept and said.means is Means.FAILED)
        if not stale:
            return said, answer
        self._renew(token)
        return self._get(self._current(), resource)

    def end(self) -> str:
        """Ends the session at the array and forgets it. Returns a sentence when it may still be open, else ""."""
        token, self._token = self._token, None
        if token is None:
            return ""
        self.cache.put(None)
        said = self._delete(token)
        if not said:
            return ""
        return f"The session with {self.name} could not be ended ({said}); it ends by itself after 20 minutes."

    def close(self) -> None:
        """Closes the connections; the session lives on where it is kept."""
        with self._lock:
            doors, self._open = self._open, []
        for door in doors:
            door.close()

    def _current(self) -> Token:
        """The session; while one thread renews it the others wait for that."""
        with self._renewing:
            if self._token is None:
                raise Busy(f"The portal has no session with {self.name} any more. The next look logs in anew.")
            return self._token

    def _door(self, where: str) -> Door:
        """This thread's connection to one address."""
        doors: dict[str, Door] = self._doors.__dict__.setdefault("doors", {})
        if where not in doors:
            door = Door(next(one for one in self.addresses if one.where == where))
            with self._lock:
                self._open.append(door)
            doors[where] = door
        return doors[where]

    def _get(self, token: Token, resource: str) -> tuple[Heard, Answer]:
        left = self.until - self.clock()
        if left <= 0:
            raise Busy(
                f"The time for one look at {self.name} was over before {resource.partition('?')[0]}. Look at its load."
            )
        path = f"/deviceManager/rest/{quote(token.device, safe='')}/{resource}"
        answer = self._door(token.where).get(path, _headers(token), min(left, REQUEST_SECONDS))
        return heard(answer.status, answer.body), answer

    def _renew(self, dead: Token) -> None:
        """A new session in the place of one that has ended, once in a look, however many threads find out."""
        with self._renewing:
            if self._token is not dead:
                return
            if self._renewed:
                raise Busy(f"{self.name} ended the portal's session twice in one look. The next look logs in anew.")
            self._renewed, self._token = True, None
            self._delete(dead)  # the code may have meant something else: then it is still open
            self._log_in()

    def _log_in(self) -> None:
        """On the address that answered last, then the others; never twice after a refusal. Raises SanFailed."""
        kept = self.cache.get()
        first = kept.where if kept else ""
        self.cache.put(None)
        self._kept = False
        lost: list[SanFailed] = []
        for address in sorted(self.addresses, key=lambda one: one.where != first):
            self.gate.admit(self.name, self.name, self.account)
            try:
                self._token = self._login(address)
            except (Unreachable, Untrusted) as error:
                self.silent[address.where] = str(error)
                lost.append(error)
                continue
            self.cache.put(self._token)
            return
        raise lost[0]

    def _login(self, address: Endpoint) -> Token:
        body = json.dumps(
            {"username": self.account.user, "password": self.account.password.reveal(), "scope": self.scope}
        )
        left = max(1.0, min(LOGIN_SECONDS, self.until - self.clock()))
        answer = self._door(address.where).session("POST", LOGIN_PATH, _JSON, body, left)
        try:
            said = heard(answer.status, answer.body)
        except Unreadable as error:
            if answer.status in (401, 403):
                raise self._refusal(f"HTTP {answer.status}") from None
            raise Garbled(
                f"{self.name} at {address.where} does not answer the login as DeviceManager: {error}."
            ) from None
        if said.means is Means.LATER or said.code == 4294967297:
            raise Busy(f"{self.name} takes no login now ({said.said}). Wait for the next look.")
        if said.means is not Means.ROWS:
            raise self._refusal(said.said)
        return self._admitted(address, answer, said)

    def _admitted(self, address: Endpoint, answer: Answer, said: Heard) -> Token:
        told: Row = said.data if isinstance(said.data, dict) else {}
        token = Token(
            where=address.where,
            device=text(told.get("deviceid")),
            token=Secret(text(told.get("iBaseToken"))),
            cookie=Secret("; ".join(answer.cookies)),
        )
        if not token.device or not token.token:
            raise Garbled(f"{self.name} takes the login and gives no token. Look at what answers at {address.where}.")
        if whole(told.get("accountstate")) in _MUST_CHANGE:
            self._delete(token)
            raise self._refusal("its password has expired or must be reset")
        return token

    def _refusal(self, said: str) -> Refused:
        sentence = (
            f"{self.name} refuses the login of {self.account.user} ({said}). The password is not sent again until it "
            "is entered anew: check the account, its lock and its role on the array."
        )
        self.gate.refuse(self.name, self.account, sentence)
        return Refused(sentence)

    def _delete(self, token: Token) -> str:
        """Ends a session; why that failed, or ""."""
        path = f"/deviceManager/rest/{quote(token.device, safe='')}/sessions"
        try:
            answer = self._door(token.where).session("DELETE", path, _headers(token), "", LOGOUT_SECONDS)
            said = heard(answer.status, answer.body)
        except (SanFailed, Unreadable) as error:
            return str(error).rstrip(".")
        return "" if said.means in (Means.ROWS, Means.LOGIN) else said.said


_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def _headers(token: Token) -> Mapping[str, str]:
    cookie = {"Cookie": token.cookie.reveal()} if token.cookie else {}
    return {**_JSON, "iBaseToken": token.token.reveal(), **cookie}
