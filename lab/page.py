"""The lab's page: the estate in words, and a form for every fault. No script."""

from __future__ import annotations

import time
from html import escape

from lab import truth
from lab.backup.faults import TITLES
from lab.corrupt import KINDS
from lab.faults import SPECS
from lab.san.faults import GROUPS
from lab.world import Host, World

SHOWN_HOSTS = 12
_GROUPS = (
    ("Power and links", ("power-off", "power-on", "drop-links", "hang-ssh", "change-host-key")),
    (
        "Hosted engine on a host",
        ("stop-agent", "start-agent", "stop-broker", "gateway-loss", "cpu-load", "spoil-metadata"),
    ),
    ("Commands and units", ("hang-command", "corrupt-output", "stop-unit", "fill-disk", "clock-skew")),
    ("Fibre Channel", ("pull-fabric", "plug-fabric", "fail-path")),
    (
        "Engine",
        (
            "kill-engine-service",
            "restart-engine-service",
            "poweroff-engine-vm",
            "engine-html-500",
            "engine-hang",
            "sso-hang",
            "engine-db-down",
            "expire-tokens",
        ),
    ),
    ("Engine backups", tuple(TITLES)),
    *GROUPS,
)
_COMMANDS = ("hosted-engine", "multipathd", "multipath", "systemctl", "dmsetup", "cat")
_COLLECTIONS = ("hosts", "vms", "disks", "storagedomains", "clusters", "events")
_UNITS = ("ovirt-ha-agent", "ovirt-ha-broker", "vdsmd", "sanlock", "multipathd")


def render(world: World) -> str:
    """The whole page. What changes by itself is in a frame, so that a form half filled in stays as it is."""
    groups = "".join(_group(world, title, names) for title, names in _GROUPS)
    body = f"""<main>
<h1>Lab estate</h1>
<p class="lead">What is true here, whatever the portal sees. Lab time runs at {world.clock.speed:g} times real time.</p>
<iframe src="/now" title="The estate now" class="now"></iframe>
{_faults(world)}
<h2>Faults to put in force</h2>
<div class="groups">{groups}</div>
<p class="foot"><a href="/truth">The truth as JSON</a> <a href="/san/truth">The truth of the SAN</a>
<a href="/ledger">The ledger as JSON</a> <a href="/change/page">The change systems</a></p>
</main>"""
    return _document("Lab estate", body)


def render_now(world: World) -> str:
    """The state of the estate in words and the hosts' table; loads itself anew every two seconds."""
    said = "".join(f"<li>{escape(text)}</li>" for text in truth.sentences(world))
    body = f'<ul class="said">{said}</ul>{_hosts(world)}'
    return _document("The estate now", body, '<meta http-equiv="refresh" content="2">\n')


def _document(title: str, body: str, head: str = "") -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>{title}</title>
<link rel="stylesheet" href="/page.css">
</head>
<body>
{body}
</body>
</html>
"""


def _hosts(world: World) -> str:
    rows = "".join(_host_row(host) for host in list(world.hosts.values())[:SHOWN_HOSTS])
    more = len(world.hosts) - SHOWN_HOSTS
    note = f"<p>{more} more hosts are not listed.</p>" if more > 0 else ""
    names = ("Host", "Power", "Agent", "State", "Score", "ha.conf", "Lost paths")
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    return f"<h2>Hosts</h2><table><thead>{head}</thead><tbody>{rows}</tbody></table>{note}"


def _host_row(host: Host) -> str:
    flags = [
        word
        for word, on in (("local", host.local_maintenance), ("manual", host.local_maintenance_manual))
        if on and host.he_host_id is not None
    ]
    hosted = host.he_host_id is not None
    cells = (
        host.name,
        "on" if host.powered else "off",
        host.agent.phase if hosted else "none",
        host.state if hosted else "none",
        str(host.score) if hosted else "none",
        " and ".join(flags) or "clear",
        str(len(host.failed_paths)),
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _faults(world: World) -> str:
    if not world.faults:
        return "<h2>Faults in force</h2><p>None.</p>"
    rows = []
    for fault in world.faults:
        since = time.strftime("%H:%M:%S UTC", time.gmtime(world.clock.wall_at(fault.at)))
        title = SPECS[fault.name].title
        args = " ".join(f"{key}={value}" for key, value in fault.args.items())
        rows.append(
            '<form method="post" action="/faults/clear" class="row">'
            f'<input type="hidden" name="name" value="{escape(fault.name)}">'
            f'<input type="hidden" name="target" value="{escape(fault.target)}">'
            f"<span>{escape(title)}: <b>{escape(fault.target)}</b> {escape(args)}, since {since}</span>"
            "<button>Clear</button></form>"
        )
    every = (
        '<form method="post" action="/faults/clear" class="row">'
        '<input type="hidden" name="all" value="1"><button>Clear all</button></form>'
    )
    return "<h2>Faults in force</h2>" + "".join(rows) + every


def _group(world: World, title: str, names: tuple[str, ...]) -> str:
    return f"<section><h3>{escape(title)}</h3>" + "".join(_form(world, name) for name in names) + "</section>"


def _form(world: World, name: str) -> str:
    spec = SPECS[name]
    fields = _target(world, spec.target) + "".join(_field(word) for word in spec.needs)
    fields += "".join(_choice(word, values) for word, values in spec.choices.items())
    if name == "pull-fabric":
        fields += _select("host", ("", *_names(world)))
    return (
        f'<form method="post" action="/faults" class="row"><input type="hidden" name="name" value="{name}">'
        f"<button>{escape(spec.title)}</button> {fields}</form>"
    )


def _names(world: World) -> list[str]:
    return list(world.hosts)


def _target(world: World, kind: str) -> str:
    choices = {"host": _names(world), "host or engine": ["engine", *_names(world)], "fabric": list(world.fabrics)}
    choices["oracle VM"] = list(world.oracle_machines)
    if world.san is not None:
        design = world.san.design
        choices |= {"switch": list(design.switches), "array": list(design.arrays)}
        choices["switch or array"] = [*design.switches, *design.arrays]
    return _select("target", tuple(choices[kind])) if kind in choices else ""


def _field(word: str) -> str:
    choices = {"command": _COMMANDS, "kind": KINDS, "unit": _UNITS, "collection": _COLLECTIONS}
    if word in choices:
        return _select(word, choices[word])
    return f'<input name="{word}" aria-label="{word}" value="300" size="6">'


def _choice(word: str, values: tuple[str, ...]) -> str:
    """A list of the values; a field when any value will do and none is named."""
    named = tuple(value for value in values if value)
    return _select(word, named) if named else f'<input name="{word}" aria-label="{word}" size="12">'


def _select(name: str, values: tuple[str, ...]) -> str:
    options = "".join(f'<option value="{escape(v)}">{escape(v or "every host")}</option>' for v in values)
    return f'<select name="{name}" aria-label="{name}">{options}</select>'
