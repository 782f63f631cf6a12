"""Events, jobs, action echoes and faults (facts/engine-api.md 3.7, 4, 7)."""

from __future__ import annotations

from collections.abc import Mapping

from lab.engine.shapes import API, deeper, escape, lines, part, ref, stamp, tree
from lab.world import World

EVENT_REFS = (("host", "hosts"), ("storage_domain", "storagedomains"), ("user", "users"), ("vm", "vms"))


def event(world: World, row: Mapping[str, object]) -> str:
    """One event."""
    href = f"{API}/events/{row['id']}"
    fields = {
        "code": row["code"], "correlation_id": row.get("correlation_id") or None,
        "custom_id": row.get("custom_id", -1), "flood_rate": 30, "origin": row.get("origin", "oVirt"),
        "severity": row["severity"], "time": stamp(float(str(row["time"]))),
    }  # fmt: skip
    refs = ""
    if row.get("host") or row.get("vm") or row.get("storage_domain"):
        refs += f"    {ref('cluster', f'{API}/clusters/{world.cluster_id}', world.cluster_id)}\n"
        refs += f"    {ref('data_center', f'{API}/datacenters/{world.data_center_id}', world.data_center_id)}\n"
    for tag, place in EVENT_REFS:
        if row.get(tag):
            refs += f"    {ref(tag, f'{API}/{place}/{row[tag]}', str(row[tag]))}\n"
    text = escape(str(row["text"]))
    return (
        f'<event href="{href}" id="{row["id"]}">\n    <description>{text}</description>\n{lines(fields)}{refs}</event>'
    )


def job(identifier: str, row: Mapping[str, object], inline: str = "") -> str:
    """One job."""
    href = f"{API}/jobs/{identifier}"
    end = row.get("end")
    fields = {
        "auto_cleared": True, "end_time": stamp(float(str(end))) if end else None, "external": False,
        "last_updated": stamp(float(str(end or row["start"]))), "start_time": stamp(float(str(row["start"]))),
        "status": row["status"],
    }  # fmt: skip
    verbs = "".join([f'        <link href="{href}/{verb}" rel="{verb}"/>\n' for verb in ("clear", "end")])
    owner = str(row["owner"])
    return (
        f'<job href="{href}" id="{identifier}">\n    <actions>\n{verbs}    </actions>\n'
        f"    <description>{escape(str(row['description']))}</description>\n"
        f'    <link href="{href}/steps" rel="steps"/>\n'
        f"{lines(fields)}{inline}    {ref('owner', f'{API}/users/{owner}', owner)}\n</job>"
    )


def step(job_id: str, row: Mapping[str, object]) -> str:
    """The one executing step of a job."""
    identifier = f"{job_id[:24]}000000000001"
    href = f"{API}/jobs/{job_id}/steps/{identifier}"
    end = row.get("end")
    fields = {
        "description": row["description"], "end_time": stamp(float(str(end))) if end else None, "external": False,
        "number": 1, "start_time": stamp(float(str(row["start"]))), "status": row["status"], "type": "executing",
    }  # fmt: skip
    job_ref = ref("job", f"{API}/jobs/{job_id}", job_id)
    return f'<step href="{href}" id="{identifier}">\n{lines(fields)}    {job_ref}\n</step>'


def fault(reason: str, detail: str = "") -> str:
    """A fault; detail already in Java's list brackets where the engine has them."""
    return tree("fault", {"detail": detail or None, "reason": reason})


def action(inner: str, status: str, fault_text: str = "") -> str:
    """An action's answer: what was asked, echoed, with its status. inner: lines at level 1."""
    body = inner if not fault_text else part(fault_text) + inner
    return f"<action>\n{body}    <status>{status}</status>\n</action>"


def power(status: str) -> str:
    """The power_management element of a fence answer."""
    return deeper(tree("power_management", {"status": status})) + "\n"
