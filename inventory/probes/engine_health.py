"""Does the engine answer, log people in and keep time; how long does its certificate last? An independent witness
beside the HA hosts (facts/engine-api.md 1.7, 2; facts/hosted-engine.md 7)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, fromstring
from xml.etree.ElementTree import ParseError as XmlError

from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import ParseError, Reply
from portal.kernel.probe import Declared, EngineReplies, Probe, Request

HEALTHY = b"DB Up!Welcome to Health Status!"
NO_DATABASE = (b"DB Down!", b"Unable to contact Database!", b"Unable to contact Backend!")
DAY = 86400
SKEW_WARN, SKEW_FAIL = 5.0, 60.0  # seconds
CERT_WARN, CERT_FAIL = 30, 7  # days

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class Answer:
    """One page's answer. kind: good, db_down, starting, refused, untrusted, unreachable or unexpected; why is "" when
    good."""

    kind: str
    why: str
    took: float


@dataclass(frozen=True)
class Count:
    """active of total, from the engine's summary ("hosts", "vms", "storage_domains", "users")."""

    name: str
    active: int
    total: int


@dataclass(frozen=True)
class Backup:
    """The last successful engine-backup of a scope, Unix seconds. A scope that is not listed was never backed up, or
    the engine is too old or the account too weak to say (2)."""

    scope: str
    at: float


@dataclass(frozen=True)
class Certificate:
    """The web certificate's end (Unix seconds) and names."""

    not_after: float
    subject: str
    issuer: str


@dataclass(frozen=True)
class EngineHealth:
    """What three pages said. skew: engine's clock minus the portal's, seconds, within skew_error; None: not told."""

    health: Answer
    api: Answer
    sso: Answer
    version: str
    instance_id: str
    summary: tuple[Count, ...]
    backups: tuple[Backup, ...]
    skew: float | None
    skew_error: float
    certificate: Certificate | None

    @property
    def good(self) -> bool:
        """The health page says that the database is up."""
        return self.health.kind == "good"


def parse(replies: EngineReplies) -> EngineHealth:
    """Sections health, api and sso in. An engine that does not answer is a fact, not an unreadable output. Raises
    ParseError only when nothing was asked."""
    if not replies:
        raise ParseError("The engine was not asked.")
    nothing = Reply(status=None, error="The engine was not asked.")
    health, api, sso = (replies.get(name, nothing) for name in ("health", "api", "sso"))
    root, api_answer = _api(api)
    skew, skew_error = _skew(root, api)
    return EngineHealth(
        health=_health(health),
        api=api_answer,
        sso=_sso(sso),
        version=_text(root, "product_info/version/full_version"),
        instance_id=_text(root, "product_info/instance_id"),
        summary=_summary(root),
        backups=_backups(root),
        skew=skew,
        skew_error=skew_error,
        certificate=_certificate((health, api, sso)),
    )


def _health(reply: Reply) -> Answer:
    body = reply.body.strip()
    if reply.status == 200 and body == HEALTHY:
        return Answer("good", "", reply.took)
    if reply.status == 500 and body.startswith(NO_DATABASE):
        return Answer("db_down", f"The engine says: {body[:60].decode('ascii', 'replace')}", reply.took)
    return _no_page(reply)


def _no_page(reply: Reply) -> Answer:
    """An answer that is not what the page itself says: nobody, Apache while the engine starts, or something else."""
    if reply.untrusted:
        return Answer("untrusted", reply.error, reply.took)
    if reply.status is None:
        return Answer("unreachable", reply.error or "No answer came.", reply.took)
    if reply.status in (401, 403):
        return Answer("refused", f"HTTP {reply.status}: the account or its token is refused.", reply.took)
    if reply.status in (404, 502, 503, 504):
        return Answer(
            "starting", f"HTTP {reply.status}: Apache answers, the engine behind it does not yet.", reply.took
        )
    return Answer("unexpected", f"HTTP {reply.status} with a body that this page never sends.", reply.took)


def _sso(reply: Reply) -> Answer:
    if reply.status != 200:
        return _no_page(reply)
    try:
        status = json.loads(reply.body)
    except (ValueError, RecursionError):
        return _no_page(reply)
    if isinstance(status, dict) and status.get("status") == "active":
        return Answer("good", "", reply.took)
    return _no_page(reply)


def _api(reply: Reply) -> tuple[Element | None, Answer]:
    if reply.status != 200:
        return None, _no_page(reply)
    if b"<!DOCTYPE" in reply.body or b"<!ENTITY" in reply.body:
        return None, _no_page(reply)
    try:
        root = fromstring(reply.body)  # noqa: S314 - a body with a DTD was refused above
    except (XmlError, ValueError):
        return None, _no_page(reply)
    if root.tag != "api" or not _text(root, "product_info/version/full_version"):
        return None, _no_page(reply)
    return root, Answer("good", "", reply.took)


def _text(root: Element | None, path: str) -> str:
    return "" if root is None else (root.findtext(path) or "").strip()


def _skew(root: Element | None, reply: Reply) -> tuple[float | None, float]:
    """The engine stamps its answer at some moment of the request; half the time it took is the error."""
    at = _moment(_text(root, "time"))
    if at is None or not reply.at:
        return None, 0.0
    return at - (reply.at - reply.took / 2), reply.took / 2


def _moment(text: str) -> float | None:
    """ISO date with its zone offset as Unix seconds. A date without a zone is no moment."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo else None


def _summary(root: Element | None) -> tuple[Count, ...]:
    counts = []
    for one in root.findall("summary/*") if root is not None else ():
        active, total = _text(one, "active"), _text(one, "total")
        if active.isascii() and active.isdigit() and total.isascii() and total.isdigit():
            counts.append(Count(one.tag, int(active), int(total)))
    return tuple(counts)


def _backups(root: Element | None) -> tuple[Backup, ...]:
    found = []
    for one in root.findall("engine_backup/*") if root is not None else ():
        at = _moment((one.text or "").strip())
        scope = one.tag.removeprefix("last_").removesuffix("_backup")
        if at is not None:
            found.append(Backup(scope, at))
    return tuple(found)


def _certificate(replies: tuple[Reply, ...]) -> Certificate | None:
    for reply in replies:
        if reply.peer_not_after is not None:
            return Certificate(reply.peer_not_after, reply.peer_subject, reply.peer_issuer)
    return None


def judge(seen: EngineHealth, declared: Declared) -> list[Finding]:
    """The health page, login, API, clock and certificate of the engine."""
    subject = Subject("engine", declared.name)
    said: dict[str, Said] = {
        "health": _judge_health(seen.health, declared.name),
        "sso": _judge_page(seen.sso, "login service", declared.name),
        "api": _judge_page(seen.api, "API", declared.name),
        "clock": _judge_clock(seen, declared.name),
        "certificate": _judge_certificate(seen.certificate, declared),
    }
    return [Finding(check, outcome, subject, words) for check, (outcome, words) in said.items()]


def _judge_health(answer: Answer, name: str) -> Said:
    if answer.kind == "good":
        return Outcome.OK, f"{name} answers and its database is up."
    if answer.kind == "db_down":
        return Outcome.FAIL, f"{name} runs without its database: see postgresql on the engine VM. {answer.why}"
    if answer.kind == "starting":
        return Outcome.FAIL, f"{name} is starting, or its service is stopped: see ovirt-engine. {answer.why}"
    if answer.kind == "unreachable":
        return Outcome.FAIL, f"{name} is unreachable from the portal: see the engine VM and the network. {answer.why}"
    return Outcome.UNKNOWN, f"Whether {name} is well is not known. {answer.why}"


def _judge_page(answer: Answer, page: str, name: str) -> Said:
    if answer.kind == "good":
        return Outcome.OK, f"The {page} of {name} answers."
    return Outcome.UNKNOWN, f"The {page} of {name} gives no answer that can be read. {answer.why}"


def _judge_clock(seen: EngineHealth, name: str) -> Said:
    if seen.skew is None:
        return Outcome.UNKNOWN, f"The clock of {name} is not known, since its API does not tell the time."
    sure = abs(seen.skew) - seen.skew_error
    if sure <= SKEW_WARN:
        return Outcome.OK, f"The clock of {name} agrees with the portal's within {SKEW_WARN:.0f} s."
    way = "ahead of" if seen.skew > 0 else "behind"
    outcome = Outcome.FAIL if sure > SKEW_FAIL else Outcome.WARN
    return outcome, f"The clock of {name} is {abs(seen.skew):.0f} s {way} the portal's: see chronyd on both."


def _judge_certificate(certificate: Certificate | None, declared: Declared) -> Said:
    if certificate is None or not declared.checked_at:
        return Outcome.UNKNOWN, f"The web certificate of {declared.name} was not seen."
    days = int((certificate.not_after - declared.checked_at) // DAY)
    day = datetime.fromtimestamp(certificate.not_after, UTC).strftime("%d %b %Y")
    if days < 0:
        return Outcome.FAIL, f"The web certificate of {declared.name} expired on {day}: renew it with engine-setup."
    words = f"The web certificate of {declared.name} ends on {day}, in {days} days"
    if days < CERT_FAIL:
        return Outcome.FAIL, f"{words}: renew it with engine-setup now."
    if days < CERT_WARN:
        return Outcome.WARN, f"{words}: plan its renewal with engine-setup."
    return Outcome.OK, f"{words}."


def numbers(seen: EngineHealth) -> Mapping[str, float]:
    """Milliseconds of the pages that answered well, and the clock's skew in seconds."""
    pages = {"health_ms": seen.health, "api_ms": seen.api, "sso_ms": seen.sso}
    found = {name: page.took * 1000 for name, page in pages.items() if page.kind == "good"}
    return found if seen.skew is None else {**found, "skew_s": seen.skew}


PROBE = Probe(
    name="engine_health",
    title="Engine health",
    every=2,
    target="engine",
    requests={
        "health": Request("/ovirt-engine/services/health", timeout=3),
        "api": Request("/ovirt-engine/api", login=True, timeout=3),
        "sso": Request("/ovirt-engine/sso/status", timeout=3),
    },
    parse=parse,
    judge=judge,
    numbers=numbers,
)
