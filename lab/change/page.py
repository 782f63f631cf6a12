"""The page of the change systems: their changes with buttons for what people do, and their faults."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from lab.change.desk import CANCELED, CLOSED, Change, Desk
from lab.change.faults import SPECS

SHOWN = 12  # changes of one system, newest first
NAME = {"servicenow": "ServiceNow", "jira": "Jira Service Management", "bmc": "BMC Helix", "webhook": "Signed webhook"}
ACTS = ("approve", "reject", "cancel", "hold", "release", "move", "conflict")


def render(desks: Mapping[str, Desk]) -> str:
    """The whole page. No script."""
    body = "".join(_system(desk) for desk in desks.values())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lab change systems</title>
<link rel="stylesheet" href="/page.css">
</head>
<body>
<main>
<h1>Change systems</h1>
<p class="lead">What people do in the bank's change systems, and what these do wrong.</p>
<p class="foot"><a href="/">The estate</a> <a href="/change">As JSON</a> <a href="/change/ledger">The ledger</a></p>
{body}
</main>
</body>
</html>
"""


def _system(desk: Desk) -> str:
    newest = list(desk.changes.values())[: -SHOWN - 1 : -1]
    rows = "".join(_row(desk, one) for one in newest)
    names = ("Change", "State", "Approval", "Window", "Notes")
    head = "".join(f"<th>{name}</th>" for name in names)
    table = (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        if rows
        else "<p>No change yet.</p>"
    )
    where = f'<p class="lead">{escape(desk.url)}, calls {escape(desk.callback or "nobody")}</p>'
    return f"<h2>{NAME[desk.kind]}</h2>{where}{_new(desk)}{table}{_faults(desk)}"


def _new(desk: Desk) -> str:
    return (
        f'<form method="post" action="/change/{desk.kind}/changes" class="row"><button>New change</button>'
        '<input name="short" aria-label="What it is about" value="Switch the cluster" size="30"></form>'
    )


def _row(desk: Desk, change: Change) -> str:
    window = " to ".join(f"{one:%Y-%m-%d %H:%M}" if one else "none" for one in (change.begins, change.ends))
    over = change.state in (CLOSED, CANCELED)
    acts = "" if over else "".join(_act(desk, change, name) for name in ACTS)
    state = f"{change.state}, on hold" if change.hold else change.state
    cells = (f"{change.number} {change.short}", state, change.approval, window, str(len(change.notes)))
    shown = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    below = f'<tr><td colspan="{len(cells)}"><div class="row">{acts}</div></td></tr>' if acts else ""
    return f"<tr>{shown}</tr>{below}"


def _act(desk: Desk, change: Change, name: str) -> str:
    action = f"/change/{desk.kind}/{escape(change.number)}/{name}"
    return f'<form method="post" action="{action}"><button>{name}</button></form>'


def _faults(desk: Desk) -> str:
    forced = "".join(
        f'<form method="post" action="/change/{desk.kind}/clear" class="row"><input type="hidden" name="name" '
        f'value="{name}"><span>{escape(SPECS[name].title)} '
        f"{escape(' '.join(f'{word}={value}' for word, value in given.items()))}</span><button>Clear</button></form>"
        for name, given in desk.faults.items()
    )
    forms = "".join(_fault(desk, name) for name in SPECS)
    return f"{forced}<details><summary>Faults</summary>{forms}</details>"


def _fault(desk: Desk, name: str) -> str:
    fields = "".join(_choice(word, values) for word, values in SPECS[name].choices.items())
    return (
        f'<form method="post" action="/change/{desk.kind}/faults" class="row"><input type="hidden" name="name" '
        f'value="{name}"><button>{escape(SPECS[name].title)}</button> {fields}</form>'
    )


def _choice(word: str, values: tuple[str, ...]) -> str:
    options = "".join(f'<option value="{escape(one)}">{escape(one or "nothing")}</option>' for one in values)
    return f'<label>{word} <select name="{word}">{options}</select></label>'
