"""What the portal asks an engine to do. Each returns what the engine said; "complete" means that the command was
accepted, not that its end is reached: look at the entity (facts/engine-api.md 0.14). Nothing here repeats itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import ovirtsdk4
from ovirtsdk4.writer import Writer

from portal.connectors.engine.answers import failure, fault_detail, plain, words_of_fault
from portal.connectors.engine.errors import Refused
from portal.connectors.engine.session import Session
from portal.connectors.engine.wire import Answer
from portal.connectors.engine.xml import Unreadable, at, document, reference, text

LONGEST_CORRELATION = 36  # the engine cuts the rest (facts/engine-api.md 1.6)


@dataclass(frozen=True, slots=True)
class ActionResult:
    """accepted: the engine took the command. status: HTTP. fault: the engine's words when it did not. job_uuid: ""
    when the command made no job."""

    accepted: bool
    status: int
    fault: str
    job_uuid: str
    correlation_id: str


def deactivate_host(session: Session, host_uuid: str, *, reason: str, correlation_id: str) -> ActionResult:
    """Asks for maintenance; the host stays preparing_for_maintenance until its VMs have left. On a hosted-engine
    host this is local maintenance too."""
    return act(session, f"/hosts/{_id(host_uuid)}/deactivate", _action(reason=reason), correlation_id)


def activate_host(session: Session, host_uuid: str, *, correlation_id: str) -> ActionResult:
    """Asks to end maintenance."""
    return act(session, f"/hosts/{_id(host_uuid)}/activate", _action(), correlation_id)


def fence_host(session: Session, host_uuid: str, *, kind: str, correlation_id: str) -> ActionResult:
    """Asks for power management. kind: status, restart, start or stop. A restart answers when the host has its power
    back, which takes minutes; it never answers when the engine itself ran there (facts/engine-api.md 4)."""
    return act(session, f"/hosts/{_id(host_uuid)}/fence", _action(fence_type=kind), correlation_id)


def migrate_vm(session: Session, vm_uuid: str, *, host_uuid: str, correlation_id: str) -> ActionResult:
    """Asks for a live migration; host_uuid "" lets the scheduler choose."""
    host = ovirtsdk4.types.Host(id=host_uuid) if host_uuid else None
    return act(session, f"/vms/{_id(vm_uuid)}/migrate", _action(host=host), correlation_id)


def global_maintenance(session: Session, engine_vm_uuid: str, *, enabled: bool, correlation_id: str) -> ActionResult:
    """Sets or ends hosted-engine global maintenance, through the hosted-engine VM only (facts/engine-api.md 4)."""
    body = _action(maintenance_enabled=enabled)
    return act(session, f"/vms/{_id(engine_vm_uuid)}/maintenance", body, correlation_id)


def act(session: Session, path: str, body: str, correlation_id: str) -> ActionResult:
    """POSTs an action once. A refusal (4xx, a failed action) is a result. Raises Unreachable or Protocol when it is
    not known whether the engine took it, Refused when the login is not accepted."""
    if not correlation_id or len(correlation_id) > LONGEST_CORRELATION:
        raise ValueError(f"A correlation id has 1 to {LONGEST_CORRELATION} characters: {correlation_id!r}")
    answer = session.post(path, body, {"Correlation-Id": correlation_id})
    shown, asked = session.credentials.shown, f"POST {path}"
    if 200 <= answer.status < 300:
        return _taken(answer, correlation_id)
    refusal = failure(answer, shown, asked)
    if not isinstance(refusal, Refused) or answer.status == 401:
        raise refusal
    fault = fault_detail(answer) or plain(answer.body) or f"HTTP {answer.status}"
    return ActionResult(False, answer.status, fault, "", correlation_id)


def _taken(answer: Answer, correlation_id: str) -> ActionResult:
    try:
        node = document(answer.body, "action")
    except Unreadable:
        # 2xx means that the command was taken; only the job's number is lost
        return ActionResult(True, answer.status, "", "", correlation_id)
    failed = text(at(node, "status")) == "failed"  # HTTP 200 with a fault (facts/engine-api.md 0.15)
    fault = words_of_fault(node.find("fault")) or "failed, without a reason" if failed else ""
    return ActionResult(not failed, answer.status, fault, reference(node, "job"), correlation_id)


def _action(**members: Any) -> str:
    body: str = Writer.write(ovirtsdk4.types.Action(**members), indent=True)
    return body


def _id(uuid: str) -> str:
    return quote(uuid, safe="")
