"""The samples' switch as its REST interface tells it."""

from __future__ import annotations

from dataclasses import replace

from portal.connectors.san.reading import fos_names, fos_ports, fos_switch, fos_zoning
from portal.connectors.san.reading.fos_body import container, heard
from portal.kernel.san import SwitchSeen
from tests.fixtures_san_devices import raw


def listed(name, side):
    return container(heard(200, raw(f"brocade-rest/{name}_{side}.json")).content, name)


def rest_seen(side="A"):
    head = fos_switch.identity(listed("fibrechannel-switch", side))
    kept = fos_zoning.defined(listed("defined-configuration", side))
    now = fos_zoning.effective(listed("effective-configuration", side))
    return SwitchSeen(
        head.wwn,
        head.name,
        "rest",
        domain=head.domain,
        model=head.model,
        firmware=head.firmware,
        state=head.state,
        principal=head.principal,
        ports=fos_ports.ports(listed("fibrechannel", side), {}),
        logins=fos_names.logins(listed("fibrechannel-name-server", side)),
        zoning=replace(now, cfgs=kept.cfgs, defined=kept.defined, aliases=kept.aliases),
        members=fos_switch.members(listed("fabric-switch", side)),
        unread={"members": "the sample of fabricshow is of another variant"},
    )
