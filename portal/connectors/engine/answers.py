"""From an HTTP answer to its XML body, or to the exception that says in one sentence why there is none."""

from __future__ import annotations

import re

from portal.connectors.engine.errors import EngineFailed, Protocol, Refused
from portal.connectors.engine.wire import Answer
from portal.connectors.engine.xml import Node, Unreadable, at, document, text

_XML = frozenset({"application/xml", "text/xml"})
_MARKUP = re.compile(r"<(?:style|script|head)\b.*?</(?:style|script|head)>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_STARTING = frozenset({502, 503, 504})


def body_of(answer: Answer, engine: str, asked: str) -> bytes:
    """The XML of a good answer. Raises Refused or Protocol."""
    if not 200 <= answer.status < 300:
        raise failure(answer, engine, asked)
    if answer.content_type not in _XML:
        kind = answer.content_type or "no content type"
        raise Protocol(
            f"Engine {engine} answers {asked} with {kind} instead of XML. "
            "Check that its address ends in /ovirt-engine/api and that no login page or proxy stands before it.",
            status=answer.status,
            detail=plain(answer.body),
        )
    return answer.body


def unreadable(engine: str, asked: str, error: Unreadable) -> Protocol:
    """A body that is XML by name only."""
    return Protocol(
        f"Engine {engine} answers {asked} with a body that cannot be read: {error}. "
        "Look at the engine's server.log; the values of the last good answer stay.",
        status=200,
        detail=str(error),
    )


def failure(answer: Answer, engine: str, asked: str) -> EngineFailed:
    """The exception for an answer that is not 2xx."""
    status = answer.status
    detail = fault_detail(answer)
    told = detail.rstrip(".") if detail else f"HTTP {status}"
    if status == 401:
        return Refused(
            f"Engine {engine} does not accept the login for {asked} (HTTP 401, also with a new token). "
            "Check that the account is enabled and may log in.",
            status=status,
            detail=detail or plain(answer.body),
        )
    if detail and status >= 400:
        return Refused(
            f"Engine {engine} refuses {asked} (HTTP {status}): {told}. {_todo(status)}", status=status, detail=detail
        )
    return _without_fault(answer, engine, asked)


def _todo(status: int) -> str:
    if status == 403:
        return "Give the account the role that this needs."
    return "Clear what it names, then ask again." if status < 500 else "Look at the engine's engine.log."


def _without_fault(answer: Answer, engine: str, asked: str) -> EngineFailed:
    status, words = answer.status, plain(answer.body)
    if status in _STARTING:
        sentence = f"Engine {engine} is starting: its web server answers {asked} with HTTP {status}. Wait for it."
    elif status == 404:
        sentence = f"Engine {engine} knows nothing under {asked} (HTTP 404). Sync the inventory, then ask again."
    elif 300 <= status < 400:
        target = answer.headers.get("location", "another address")
        sentence = f"Engine {engine} sends {asked} to {target} (HTTP {status}). Enter that address if it is the engine."
    elif 400 <= status < 500:
        said = f": {words.rstrip('.')}" if words else ""
        return Refused(
            f"Engine {engine} refuses {asked} (HTTP {status}){said}. {_todo(status)}", status=status, detail=words
        )
    else:
        sentence = (
            f"Engine {engine} fails on {asked} (HTTP {status}, {answer.content_type or 'no content type'} instead of "
            "XML). Look at the engine's server.log."
        )
    return Protocol(sentence, status=status, detail=words)


def fault_detail(answer: Answer) -> str:
    """detail, else reason, of a <fault> or of an <action> with a fault; "" when the body has none."""
    if answer.content_type not in _XML:
        return ""
    for root in ("fault", "action"):
        try:
            node = document(answer.body, root)
        except Unreadable:
            continue
        return words_of_fault(node if root == "fault" else node.find("fault"))
    return ""


def words_of_fault(node: Node | None) -> str:
    """detail, else reason, in one line; "" for None. The engine writes its reasons as a Java list, in brackets."""
    words = " ".join((text(at(node, "detail")) or text(at(node, "reason"))).split())
    return words[1:-1].strip() if words.startswith("[") and words.endswith("]") else words


def plain(body: bytes) -> str:
    """The words of an HTML or text body, for showing; at most 300 characters."""
    return " ".join(_MARKUP.sub(" ", body[:20_000].decode("utf-8", "replace")).split())[:300]
