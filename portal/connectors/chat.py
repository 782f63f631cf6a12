"""Chat rooms by their incoming webhooks. Slack and what speaks its way (Mattermost, Rocket.Chat) take JSON with a text;
Teams takes an Adaptive Card in a message, which is all that its Workflows understand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portal.connectors.delivery import DeliveryFailed, Place, plain, post

SLACK, TEAMS = "slack", "teams"
LONGEST = 2900  # characters of a block's text; Slack takes 3000
LINES = 20  # alerts that a card names
LARGEST = 25_000  # bytes of a message; Teams refuses more than 28 KB for good
CARD = "application/vnd.microsoft.card.adaptive"
COLOURS = {"critical": "attention", "warning": "warning", "info": "good"}
SIGNS = {"critical": "\N{LARGE RED SQUARE}", "warning": "\N{LARGE YELLOW SQUARE}", "info": "\N{LARGE BLUE SQUARE}"}
# An Office 365 connector says 200 also when the room behind it did not take the message, and why in the body.
_NOT_DELIVERED = "webhook message delivery failed"


@dataclass(frozen=True)
class Line:
    """One alert. url "" when the portal's address is not known."""

    severity: str
    sentence: str
    about: str
    url: str = ""


@dataclass(frozen=True)
class Note:
    """What is said: a headline, and the alerts that it is of. more: alerts that are not named."""

    severity: str
    headline: str
    lines: Sequence[Line]
    more: int = 0


def send(kind: str, to: Place, note: Note) -> None:
    """Gives one note to a room. Raises DeliveryFailed, DeliveryRefused."""
    body = _fitting(slack if kind == SLACK else card, note)
    answer = post(to, body, {"Content-Type": "application/json; charset=utf-8"})
    said = answer.body.decode("utf-8", "replace").strip()
    if said.startswith("<"):
        raise DeliveryFailed(f"{to.name} answers with a page, as no chat room does: see the proxy and its address.")
    if _NOT_DELIVERED in said.lower() or _says_no(said):
        raise DeliveryFailed(f"{to.name} took it, but the room behind it did not: {plain(answer.body, to)[:160]}")


def _fitting(made: Callable[[Note], dict[str, Any]], note: Note) -> bytes:
    """The note with as many alerts as a room takes; the others are counted."""
    shown = min(len(note.lines), LINES)
    while True:
        less = replace(note, lines=note.lines[:shown], more=note.more + len(note.lines) - shown)
        body = json.dumps(made(less), ensure_ascii=False).encode()
        if len(body) <= LARGEST or shown == 0:
            return body
        shown -= 1


def _says_no(said: str) -> bool:
    """A refusal as JSON behind a 200: {"ok": false} of Slack's API and gateways before it, {"success": false} of
    Rocket.Chat, {"error": ...} of flows that answer by themselves. Any other answer counts as taken."""
    try:
        body = json.loads(said)
    except ValueError:
        return False
    if not isinstance(body, dict):
        return False
    return body.get("ok") is False or body.get("success") is False or bool(body.get("error"))


def slack(note: Note) -> dict[str, Any]:
    """`text` is what notifications show; the blocks are what the room shows."""
    shown = [_slack_line(one) for one in note.lines[:LINES]]
    left = note.more + max(0, len(note.lines) - LINES)
    if left:
        shown.append(f"and {left} more")
    blocks: list[dict[str, Any]] = [_section(f"*{_marked(note.headline)}*"), *map(_section, shown)]
    text = f"{SIGNS[note.severity]} {_marked(note.headline)}"
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _slack_line(one: Line) -> str:
    link = f" <{one.url}|Open>" if one.url else ""
    return f"{SIGNS[one.severity]} {_marked(one.sentence)}\n{_marked(one.about)}{link}"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:LONGEST], "verbatim": True}}


def _marked(text: str) -> str:
    """The three signs that Slack reads as its own; nothing in a sentence may call everybody in the room."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def card(note: Note) -> dict[str, Any]:
    """A message with one Adaptive Card."""
    parts: list[dict[str, Any]] = [_text(note.headline, weight="bolder", color=COLOURS[note.severity])]
    for one in note.lines[:LINES]:
        parts += [_text(one.sentence), _text(one.about, isSubtle=True, spacing="none")]
    left = note.more + max(0, len(note.lines) - LINES)
    if left:
        parts.append(_text(f"and {left} more", isSubtle=True))
    content: dict[str, Any] = {
        "$schema": "https://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "full"},
        "body": parts,
    }
    link = next((one.url for one in note.lines if one.url), "")
    if link:
        content["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": link}]
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": content}]}


def _text(text: str, spacing: str = "default", **more: Any) -> dict[str, Any]:
    """A run of text, in which no markup is read, unlike in a TextBlock: names hold underscores, and a host's words must
    make no link."""
    return {
        "type": "RichTextBlock",
        "spacing": spacing,
        "inlines": [{"type": "TextRun", "text": text[:LONGEST], **more}],
    }
