"""How the portal proves itself to a change system: basic, OAuth, AR-JWT. Tokens are kept per process, renewed before
they end and once when the system no longer takes one."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from portal.connectors.change.https import Endpoint, Talk, garbled, judged, told
from portal.connectors.change.reading.bmc import token_of
from portal.connectors.change.reading.leaves import Unreadable, row, text, whole
from portal.kernel.secret import Secret

FORM = "application/x-www-form-urlencoded"
EARLY = 30.0  # seconds before its end in which a token is not used any more
LONGEST = 3600.0  # seconds that a token is kept, whatever its system says
AR_JWT_SECONDS = 3000.0  # BMC: an hour by default, and no answer says when it ends


@dataclass(frozen=True)
class Account:
    """Who asks. Prints without its secret."""

    user: str
    secret: Secret


class Login(Protocol):
    """Makes the header that a request carries."""

    @property
    def renewable(self) -> bool:
        """Whether a fresh header can be had when one is not taken any more."""
        ...

    def headers(self, talk: Talk, *, fresh: bool = False) -> Mapping[str, str]:
        """The header. fresh: the one that was used is not taken any more. Raises ChangeFailed."""
        ...


@dataclass(frozen=True)
class Basic:
    """Name and password, or an API token, with each request."""

    account: Account
    renewable: bool = False

    def headers(self, talk: Talk, *, fresh: bool = False) -> Mapping[str, str]:
        """The header of basic authentication."""
        pair = f"{self.account.user}:{self.account.secret.reveal()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


@dataclass(frozen=True)
class Bearer:
    """A token that a person made, with each request: a personal access token of Jira Data Center."""

    account: Account
    renewable: bool = False

    def headers(self, talk: Talk, *, fresh: bool = False) -> Mapping[str, str]:
        """The header."""
        return {"Authorization": f"Bearer {self.account.secret.reveal()}"}


@dataclass
class _Kept:
    token: Secret | None = None
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_tokens: dict[str, _Kept] = {}
_tokens_lock = threading.Lock()


def _kept(endpoint: Endpoint, account: Account) -> _Kept:
    """The place of this account's token: another secret is another place, so that a new one counts at once."""
    parts = (endpoint.base, account.user, account.secret.reveal())
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    with _tokens_lock:
        if len(_tokens) > 100:
            _tokens.clear()
        return _tokens.setdefault(name, _Kept())


@dataclass(frozen=True)
class ByToken:
    """A token that a login gives. fetch: gives token and seconds that it lasts; scheme: the word before it; beside:
    headers that go with it."""

    account: Account
    scheme: str
    fetch: Callable[[Talk, Account], tuple[str, float]]
    beside: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    renewable: bool = True

    def headers(self, talk: Talk, *, fresh: bool = False) -> Mapping[str, str]:
        """The header with a token that lasts a while yet."""
        kept = _kept(talk.endpoint, self.account)
        with kept.lock:
            if fresh or not kept.token or self.clock() >= kept.until:
                kept.token = None
                token, seconds = self.fetch(talk, self.account)
                kept.token, kept.until = Secret(token), self.clock() + min(max(seconds - EARLY, 0.0), LONGEST)
            return {"Authorization": f"{self.scheme} {kept.token.reveal()}", **self.beside}


def oauth(path: str) -> Callable[[Talk, Account], tuple[str, float]]:
    """Fetches a token by OAuth with the account as the client (facts/drills-and-evidence.md 4.1: basic or OAuth)."""

    def fetch(talk: Talk, account: Account) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", "client_id": account.user, "client_secret": account.secret.reveal()}
        answer = talk.send("POST", path, {}, urlencode(form).encode(), FORM, talk.endpoint.root)
        found = told(talk.endpoint, f"POST {path}", answer)
        try:
            return oauth_token(found)
        except Unreadable as error:
            raise garbled(talk.endpoint, f"POST {path}", error) from None

    return fetch


def atlassian(talk: Talk, account: Account) -> tuple[str, float]:
    """Fetches a token for deployments, with the credentials that Jira Cloud makes for tools on premises."""
    asked = {
        "audience": "api.atlassian.com",
        "grant_type": "client_credentials",
        "client_id": account.user,
        "client_secret": account.secret.reveal(),
    }
    path = "/oauth/token"
    answer = talk.send("POST", path, {}, json.dumps(asked).encode(), under=talk.endpoint.root)
    found = told(talk.endpoint, f"POST {path}", answer)
    try:
        return oauth_token(found)
    except Unreadable as error:
        raise garbled(talk.endpoint, f"POST {path}", error) from None


def oauth_token(found: object) -> tuple[str, float]:
    """The token of an answer and the seconds that it lasts, 0 when that is not told. Raises Unreadable."""
    answer = row(found, "the token")
    token = text(answer.get("access_token"))
    if not token or len(token) > 8192 or not token.isascii() or not token.isprintable() or " " in token:
        raise Unreadable("no token where one should be")
    return token, float(whole(answer.get("expires_in")))


# BMC takes a request that writes for a forged one without it
OURS: Mapping[str, str] = {"X-Requested-By": "XMLHttpRequest"}


def ar_jwt(path: str) -> Callable[[Talk, Account], tuple[str, float]]:
    """Fetches BMC's token by its login (facts/drills-and-evidence.md 4.3)."""

    def fetch(talk: Talk, account: Account) -> tuple[str, float]:
        form = urlencode({"username": account.user, "password": account.secret.reveal()}).encode()
        answer = talk.send("POST", path, {"Accept": "text/plain, */*", **OURS}, form, FORM, talk.endpoint.root)
        failed = judged(talk.endpoint, f"POST {path}", answer)
        if failed is not None:
            raise failed
        try:
            return token_of(answer.body), AR_JWT_SECONDS
        except Unreadable as error:
            raise garbled(talk.endpoint, f"POST {path}", error) from None

    return fetch
