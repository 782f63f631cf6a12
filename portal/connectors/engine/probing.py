"""One GET for a probe: it brings the certificate chain along and never raises, since "no answer" is an answer that a
probe has to read."""

from __future__ import annotations

import time

import pycurl

from portal.connectors.engine import wire
from portal.connectors.engine.certificate import leaf
from portal.connectors.engine.errors import EngineFailed, Untrusted, from_curl
from portal.connectors.engine.tickets import Ticket
from portal.kernel.output import Reply
from portal.kernel.probe import Request


def reply(ticket: Ticket, request: Request) -> Reply:
    """The engine's answer as it came, whatever its status; error holds one sentence when none came. With login, a
    401 gets one new token and one more try. The deadline holds for the login and for each try."""
    began = time.monotonic()
    try:
        answer = _with_login(ticket, request) if request.login else _ask(ticket, request, {"Accept": "*/*"})
    except EngineFailed as error:
        untrusted = isinstance(error, Untrusted)
        return Reply(status=None, error=str(error), took=time.monotonic() - began, at=time.time(), untrusted=untrusted)
    shown = leaf(answer.peer_pem)
    return Reply(
        status=answer.status,
        body=answer.body,
        headers=answer.headers,
        took=answer.took,
        peer_pem=answer.peer_pem,
        at=answer.at,
        peer_not_after=shown.not_after,
        peer_subject=shown.subject,
        peer_issuer=shown.issuer,
    )


def _with_login(ticket: Ticket, request: Request) -> wire.Answer:
    token = ticket.current(request.timeout)
    answer = _ask(ticket, request, _bearer(token.reveal()))
    if answer.status != 401:
        return answer
    return _ask(ticket, request, _bearer(ticket.after(token, request.timeout).reveal()))


def _bearer(token: str) -> dict[str, str]:
    return {"Accept": "application/xml", "Version": "4", "Authorization": f"Bearer {token}"}


def _ask(ticket: Ticket, request: Request, headers: dict[str, str]) -> wire.Answer:
    credentials = ticket.credentials
    try:
        return wire.fetch(
            credentials.origin + request.path,
            timeout=request.timeout,
            ca_pem=credentials.ca_pem,
            headers={**headers, "User-Agent": "Holdfast"},
            chain=credentials.encrypted,
        )
    except pycurl.error as error:
        asked = f"GET {request.path}"
        raise from_curl(credentials.shown, asked, int(error.args[0]), str(error.args[-1])) from None
