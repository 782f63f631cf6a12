"""One REST session with a switch, or none at all: login, requests with their retries, guaranteed logout.

A switch has three sessions for everybody (facts/san.md 0.2); a request that times out ends none of them."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from portal.connectors.san.errors import Busy, Garbled, Refused, SanFailed, Unreachable
from portal.connectors.san.gate import Gate
from portal.connectors.san.https import Account, Answer, Door
from portal.connectors.san.reading.fos_body import Heard, Means, container, heard
from portal.connectors.san.reading.fos_switch import password_days
from portal.connectors.san.reading.leaves import Row, Unreadable

REQUEST_SECONDS = 60.0  # S8; a busy switch takes long
LOGOUT_SECONDS = 10.0
MOST_TRIES = 5
MOST_SILENCES = 2  # requests in a row without an answer, then nothing more is asked
ACCEPT = "application/yang-data+json"
_OF_ALL_FABRICS = ("brocade-module-version", "running/brocade-chassis")  # these take no vf-id


def wait(seconds: float) -> None:
    """Waits. The look's own deadline bounds it."""
    threading.Event().wait(seconds)


@dataclass
class FabricSession:
    """Asks one switch until a deadline. headers: what authorises each request."""

    door: Door
    account: Account
    gate: Gate
    until: float  # monotonic seconds
    pause: Callable[[float], None] = wait
    clock: Callable[[], float] = time.monotonic
    headers: dict[str, str] = field(default_factory=dict)
    password_days: int | None = None
    sessionless: bool = False
    over: SanFailed | None = None  # why nothing more is asked
    _silences: int = 0
    _no_vf: bool = False

    @property
    def name(self) -> str:
        """The switch's name in sentences."""
        return self.door.endpoint.name

    def open(self) -> None:
        """Logs in, or prepares to send the password with each request. Raises SanFailed; the password is not sent again
        once it was refused."""
        where = self.door.endpoint.where
        self.gate.admit(self.name, where, self.account)
        pair = f"{self.account.user}:{self.account.password.reveal()}".encode()
        basic = {"Authorization": "Basic " + base64.b64encode(pair).decode(), "Accept": ACCEPT, "Content-Type": ACCEPT}
        if self.sessionless:
            self.headers = basic
            return
        try:
            said = self._patiently(lambda left: self._login(basic, left), "the login")
        except Unreachable as lost:
            if lost.sent:
                self.gate.left_open(where)
            raise
        if said.means is not Means.ROWS:
            raise self._not_in(said)
        if not self.headers:
            self.gate.left_open(where)
            raise Garbled(
                f"{self.name} takes the login and gives no session token. Look at what answers at its address."
            )
        self.password_days = password_days(said.content)

    def close(self) -> str:
        """Logs out, whatever happened. Returns a sentence when the session may still be open, else ""."""
        if self.sessionless or not self.headers:
            return ""
        where, headers, self.headers = self.door.endpoint.where, self.headers, {}
        try:
            status = self.door.session("POST", "/rest/logout", headers, "", LOGOUT_SECONDS).status
            said = "" if status < 300 or status == 401 else f"HTTP {status}"
        except SanFailed as error:
            said = str(error).rstrip(".")
        if not said:
            self.gate.ended(where)
            return ""
        self.gate.left_open(where)
        return f"The REST session with {self.name} could not be ended ({said}), so it may take one of its few places."

    def rows(self, uris: Sequence[str], leaf: str) -> tuple[Row, ...]:
        """The objects of a container, by the first of its URIs that this switch knows. Raises SanFailed, or Unreadable
        with the rest of "... cannot be read: "."""
        said = Heard(Means.MISSING, {})
        for uri in uris:
            said = self._ask(uri)
            if said.means is not Means.MISSING:
                break
        if said.means is Means.EMPTY:
            return ()
        if said.means is Means.ROWS:
            return container(said.content, leaf)
        if said.means is Means.MISSING:
            raise Unreadable(f"this Fabric OS does not offer it ({said.said})")
        raise Unreadable(said.said)

    def content(self, uri: str) -> Mapping[str, object]:
        """All that stands under Response; nothing when the switch does not offer it. Raises as `rows`."""
        said = self._ask(uri)
        if said.means in (Means.ROWS, Means.EMPTY, Means.MISSING):
            return said.content
        raise Unreadable(said.said)

    def _ask(self, uri: str) -> Heard:
        if self.over is not None:
            raise self.over
        try:
            said = self._patiently(lambda left: self._get(uri, left), f"GET {uri}")
        except Unreachable as silent:
            self._silences += 1
            if self._silences >= MOST_SILENCES:
                self.over = silent
            raise
        self._silences = 0
        if said.means is Means.NO_VF and not self._no_vf and self.door.endpoint.vf_id >= 0:
            self._no_vf = True
            return self._ask(uri)
        if said.means is Means.REFUSED:
            self.over = (
                self._refusal(said)
                if self.sessionless
                else Busy(
                    f"{self.name} ended the portal's session during the look ({said.said}). The next look logs in anew."
                )
            )
            raise self.over
        return said

    def _get(self, uri: str, left: float) -> Heard:
        vf_id = self.door.endpoint.vf_id
        whole_chassis = uri.startswith(_OF_ALL_FABRICS)
        query = f"?vf-id={vf_id}" if vf_id >= 0 and not self._no_vf and not whole_chassis else ""
        answer = self.door.get(f"/rest/{uri}{query}", self.headers, min(left, REQUEST_SECONDS))
        return heard(answer.status, answer.body)

    def _login(self, basic: Mapping[str, str], left: float) -> Heard:
        answer: Answer = self.door.session("POST", "/rest/login", basic, "", min(left, REQUEST_SECONDS))
        token = answer.headers.get("authorization", "")
        if 200 <= answer.status < 300 and token:
            self.headers = {
                "Authorization": token,
                "Accept": ACCEPT,
                "Content-Type": ACCEPT,
            }  # from here on there is something to end
        try:
            return heard(answer.status, answer.body)
        except Unreadable:
            return Heard(Means.ROWS, {})  # an answer's body says nothing that a login needs

    def _patiently(self, ask: Callable[[float], Heard], asked: str) -> Heard:
        """Asks again what is to be asked again, within the deadline and MOST_TRIES."""
        said = Heard(Means.FAILED, {})
        for _ in range(MOST_TRIES):
            left = self.until - self.clock()
            if left <= 0:
                self.over = Busy(f"The time for one look at {self.name} was over before {asked}. Look at its load.")
                raise self.over
            said = ask(left)
            if said.means is not Means.AGAIN:
                return said
            self.pause(min(said.wait, left))
        return Heard(Means.FAILED, {}, f"it is busy ({said.said})")

    def _not_in(self, said: Heard) -> SanFailed:
        """Why a login did not come about. Anything that is not known to be something else counts as a refusal."""
        if said.means is Means.FULL:
            return Busy(
                f"{self.name} has no REST session left ({said.said}); it has three for everybody by default. End "
                "unused ones, or raise the number there (mgmtapp --config -maxrestsession)."
            )
        if said.means in (Means.MISSING, Means.EMPTY):
            return Garbled(
                f"{self.name} offers no REST interface ({said.said}): its Fabric OS is older than 8.2, or REST is "
                "switched off. Use its command line, or switch REST on."
            )
        if said.means is Means.FAILED and not said.said.startswith("HTTP 4"):
            return Busy(
                f"{self.name} takes no login now: {said.said}. Look at the switch, then wait for the next look."
            )
        return self._refusal(said)

    def _refusal(self, said: Heard) -> Refused:
        sentence = (
            f"{self.name} refuses the login of {self.account.user} ({said.said}). The password is not sent again "
            "until it is entered anew: check the account, its lock and its role on the switch."
        )
        self.gate.refuse(self.door.endpoint.where, self.account, sentence)
        return Refused(sentence)
