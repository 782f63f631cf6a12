"""What a receiver or a route cannot do without, for the forms and the API alike: field -> one sentence."""

from __future__ import annotations

from cryptography import x509

from portal.access.roles import ROLES
from portal.alerts.models import Receiver, Route
from portal.alerts.rules.timing import zone_problem
from portal.connectors import delivery, syslog
from portal.connectors.change.signing import SHORTEST_KEY
from portal.kernel.secret import Secret

C = Receiver.Channel
POSTED = (C.WEBHOOK, C.SLACK, C.TEAMS)
LONGEST_DIGEST = 24 * 60  # minutes


def receiver_mistakes(row: Receiver) -> dict[str, str]:
    """Of a receiver as it would be saved. Quotes no secret."""
    found: dict[str, str] = {}
    if row.channel == C.MAIL:
        _mail(row, found)
    elif row.channel == C.SYSLOG:
        if wrong := syslog.problem(row.address):
            found["address"] = wrong
    elif row.channel in POSTED:
        _posted(row, found)
    for name in ("ca_pem", "pin_pem"):
        text = getattr(row, name)
        if text.strip() and not _certificate(text):
            found[name] = "This is no certificate in PEM."
    if not 0 <= row.facility <= 23:
        found["facility"] = "A facility is a number from 0 to 23."
    return found


def _mail(row: Receiver, found: dict[str, str]) -> None:
    if bool(row.role) == bool(row.address):
        found["address"] = "Give either a role or one address."
    elif row.role and row.role not in ROLES:
        found["role"] = f"There is no role {row.role[:40]!r}."
    elif row.address and ("@" not in row.address or any(sign in row.address for sign in "\r\n<>, ")):
        found["address"] = "This is no e-mail address."


def _posted(row: Receiver, found: dict[str, str]) -> None:
    url = _revealed(row.url)
    if not url:
        found["url"] = "Without its address nothing can be sent there."
    elif wrong := delivery.problem(url):
        found["url"] = wrong
    if row.channel == C.WEBHOOK and len(_revealed(row.key)) < SHORTEST_KEY:
        found["key"] = f"A signed webhook needs a key of {SHORTEST_KEY} characters or more."


def _revealed(secret: Secret | None) -> str:
    try:
        return secret.reveal() if secret else ""
    except ValueError:  # sealed with a key that is gone
        return ""


def _certificate(text: str) -> bool:
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return False
    return True


def route_mistakes(row: Route) -> dict[str, str]:
    """Of a route as it would be saved."""
    found: dict[str, str] = {}
    if wrong := zone_problem(row.zone):
        found["zone"] = wrong
    if any(not 0 <= day <= 6 for day in row.days):
        found["days"] = "Days are numbers from 0, Monday, to 6."
    if row.digest > LONGEST_DIGEST:
        found["digest"] = "A digest goes out once a day at least."
    if bool(row.escalate_after) != bool(row.escalate_to_id):
        found["escalate_to"] = "An escalation has both a time and a receiver."
    if row.escalate_after > LONGEST_DIGEST:
        found["escalate_after"] = "An escalation comes within a day."
    return found
