"""Every POST of the API: checks, command, echo (facts/engine-api.md 4)."""

from __future__ import annotations

import json
import re
import uuid
from xml.etree import ElementTree

from aiohttp import web

from lab import ledger
from lab.engine import actions_host, actions_other, actions_vm, shapes_log
from lab.engine.actions import COMMANDS, Call, Denied
from lab.engine.shapes import API, HEAD, deeper, escape, ref
from lab.engine.state import Account, Engine, Session
from lab.engine.wire import Refusal, faulty
from lab.world import ENGINE

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
REGISTERED = (actions_host, actions_other, actions_vm)


def correlation(request: web.Request) -> str:
    """The caller's correlation id: stripped of odd characters, cut to 36; "" when none was sent."""
    text = request.headers.get("Correlation-Id") or request.query.get("correlation_id", "")
    return re.sub(r"[^\w.\-]", "", text)[:36]


async def body_of(request: web.Request) -> ElementTree.Element:
    """The request's document, XML or JSON."""
    raw = await request.read()
    if not raw.strip():
        return ElementTree.Element("action")
    try:
        if "json" in request.content_type:
            return _from_json("action", json.loads(raw))
        return ElementTree.fromstring(raw.decode())
    except (ValueError, ElementTree.ParseError):
        raise Refusal(400, HEAD + shapes_log.fault("Request syntactically incorrect.")) from None


def _from_json(tag: str, value: object) -> ElementTree.Element:
    made = ElementTree.Element(tag)
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("id", "href"):
                made.set(name, str(inner))
            else:
                made.extend([_from_json(name, item) for item in (inner if isinstance(inner, list) else [inner])])
    else:
        made.text = str(value).lower() if isinstance(value, bool) else str(value)
    return made


def print_element(node: ElementTree.Element) -> str:
    """An element of the request as the echo has it."""
    attributes = "".join([f' {name}="{escape(value)}"' for name, value in node.attrib.items()])
    if len(node):
        inner = "\n".join([deeper(print_element(child)) for child in node])
        return f"<{node.tag}{attributes}>\n{inner}\n</{node.tag}>"
    text = (node.text or "").strip()
    return f"<{node.tag}{attributes}>{escape(text)}</{node.tag}>" if text else f"<{node.tag}{attributes}/>"


def _echo(call: Call, status: str, fault: str = "") -> str:
    elements = {child.tag: print_element(child) for child in call.body if child.tag not in ("status", "fault")}
    elements |= call.extra
    target = {"hosts": "host", "vms": "vm"}.get(call.path[0])
    if (
        target
        and not fault
        and target not in elements
        and status == "complete"
        and "power_management" not in call.extra
    ):
        elements[target] = ref(target, f"{API}/{call.path[0]}/{call.path[1]}", call.path[1])
    elements["status"] = f"<status>{status}</status>"
    if fault:
        elements["fault"] = fault
    rows = [deeper(elements[name]) for name in sorted(elements, key=lambda name: (name != "fault", name))]
    return "<action>\n" + "\n".join(rows) + "\n</action>"


def _allowed(account: Account, verb: str, body: ElementTree.Element) -> bool:
    """A read-only administrator may ask a fence agent for its status, and nothing else."""
    looks = verb == "fence" and (body.findtext("fence_type") or "").strip() == "status"
    return account.role == "SuperUser" or (account.admin and looks)


async def perform(
    engine: Engine, session: Session, path: tuple[str, ...], request: web.Request, correlation_id: str
) -> tuple[int, str]:
    """Carries out one POST: (HTTP status, document). Refusals of host and VM commands are actions with a fault."""
    body = await body_of(request)
    if path == ("events",):
        return actions_other.add_event(engine, session.account, body, correlation_id)
    verb = path[2] if len(path) == 3 else ""
    act = COMMANDS.get((path[0] if path else "", verb))
    if act is None:
        raise Refusal(404)
    if not UUID.fullmatch(path[1]):
        raise faulty(400, f"Invalid UUID string: {path[1]}", "Operation failed")
    call = Call(engine, session.account, correlation_id or str(uuid.uuid4()), path, body)
    entry = ledger.enter(engine.world, ENGINE, ["POST", "/".join(path), call.correlation], "post")
    try:
        if not _allowed(session.account, verb, body):
            raise Denied(403, "User is not authorized to perform this action.")
        await act(call)
    except Denied as denied:
        ledger.close(engine.world, entry, denied.status)
        return _refused(call, denied)
    ledger.close(engine.world, entry, 200)
    return 200, _echo(call, call.extra.pop("status", "complete"), call.extra.pop("fault", ""))


def _refused(call: Call, denied: Denied) -> tuple[int, str]:
    detail = f"[{denied.detail}]" if denied.reason == "Operation Failed" else denied.detail
    fault = shapes_log.fault(denied.reason, detail)
    if call.path[0] not in ("hosts", "vms") or denied.reason == "Incomplete parameters":
        return denied.status, fault
    call.body = ElementTree.Element("action")
    return denied.status, _echo(call, "failed", fault)
