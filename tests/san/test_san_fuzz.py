"""Whatever a device sends, a reader gives a value or a sentence: cut, wrong types, huge, shuffled. Seeded."""

from __future__ import annotations

import copy
import json
import random

import pytest

from portal.connectors.san.reading import (
    array_access,
    array_hardware,
    array_replication,
    cli_counters,
    cli_names,
    cli_switch,
    cli_zoning,
    fos_names,
    fos_ports,
    fos_switch,
    fos_zoning,
)
from portal.connectors.san.reading.array_body import heard as array_heard
from portal.connectors.san.reading.array_body import listed, one
from portal.connectors.san.reading.cli_text import lines
from portal.connectors.san.reading.fos_body import container
from portal.connectors.san.reading.fos_body import heard as fos_heard
from portal.connectors.san.reading.leaves import Unreadable
from tests.fixtures_san_devices import raw

FOS = {
    "fibrechannel-switch_A": fos_switch.identity,
    "fabric-switch_A": fos_switch.members,
    "fibrechannel_A": lambda rows: (fos_ports.ports(rows, {}), fos_ports.numbers(rows)),
    "fibrechannel-statistics_A": lambda rows: fos_ports.counters(rows, {}),
    "media-rdp_A": lambda rows: fos_ports.sfps(rows, {}),
    "fibrechannel-name-server_A": fos_names.logins,
    "effective-configuration_A": fos_zoning.effective,
    "defined-configuration_A": fos_zoning.defined,
    "chassis_A": fos_switch.serial,
}
ARRAY = {
    "prod-system": lambda rows: array_hardware.system(one(list(rows))),
    "prod-controller": array_hardware.controllers,
    "prod-fc_port": array_hardware.ports,
    "prod-host": array_access.hosts,
    "prod-fc_initiator_host0": array_access.initiators,
    "prod-host_link_host0": lambda rows: array_access.links(rows, "0"),
    "prod-lun": array_access.luns,
    "prod-lun_associate_host0": lambda rows: array_access.mapped(rows, "0", ()),
    "prod-REPLICATIONPAIR": array_replication.pairs,
    "prod-CONSISTENTGROUP": lambda rows: array_replication.groups(rows, "replication"),
    "prod-remote_device": array_replication.remotes,
}
CLI = {
    "switchshow_A": cli_switch.switchshow,
    "fabricshow_A_isl-variant": cli_switch.fabricshow,
    "islshow_A_isl-variant": cli_switch.islshow,
    "nsshow-t_A": cli_names.logins,
    "cfgshow_A": cli_zoning.cfgshow,
    "cfgtransshow_open": cli_zoning.cfgtransshow,
    "porterrshow_A": cli_counters.porterrshow,
    "errdump": cli_counters.errdump,
}
ODD = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    2**70,
    "",
    "x" * 10_000,
    "18446744073709551615",
    [],
    {},
    [[]],
    [None],
    {"a": {}},
    "é\0",
)


def mutated(value, rng):
    """A copy with up to three places changed, dropped or turned into another type."""
    changed = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        spot, holder = changed, None
        while isinstance(spot, dict | list) and spot and rng.random() < 0.85:
            holder = spot
            key = rng.choice(list(spot)) if isinstance(spot, dict) else rng.randrange(len(spot))
            spot = spot[key]
        if holder is None:
            return rng.choice(ODD)
        if rng.random() < 0.2:
            del holder[key]
        else:
            holder[key] = rng.choice(ODD)
    return changed


def sentence(read):
    """What a reader says when it cannot read; anything but Unreadable fails the test."""
    try:
        read()
    except Unreadable as error:
        return str(error)
    return ""


def cut(content, rng):
    at = rng.randrange(len(content) + 1)
    return rng.choice((content[:at], content[at:], content[:at] + bytes([rng.randrange(256)]) + content[at:]))


@pytest.mark.parametrize("name", FOS)
def test_fos_bodies(name):
    content, rng = raw(f"brocade-rest/{name}.json"), random.Random(name)
    leaf = name.rpartition("_")[0]
    for turn in range(250):
        sent = cut(content, rng) if turn % 4 == 0 else json.dumps(mutated(json.loads(content), rng)).encode()
        assert (
            len(
                sentence(
                    lambda sent=sent: FOS[name](
                        container(fos_heard(rng.choice((200, 200, 404, 503)), sent).content, leaf)
                    )
                )
            )
            < 400
        )


@pytest.mark.parametrize("name", ARRAY)
def test_array_bodies(name):
    content, rng = raw(f"dorado-rest/{name}.json"), random.Random(name)
    for turn in range(250):
        sent = cut(content, rng) if turn % 4 == 0 else json.dumps(mutated(json.loads(content), rng)).encode()
        assert (
            len(sentence(lambda sent=sent: ARRAY[name](listed(array_heard(rng.choice((200, 200, 500)), sent).data))))
            < 400
        )


@pytest.mark.parametrize("name", CLI)
def test_command_output(name):
    content, rng = raw(f"brocade-cli/{name}.txt"), random.Random(name)
    for turn in range(250):
        sent = cut(content, rng)
        if turn % 3 == 0:
            shuffled = sent.split(b"\n")
            rng.shuffle(shuffled)
            sent = b"\n".join(shuffled)
        assert len(sentence(lambda sent=sent: CLI[name](lines(sent)))) < 400


def test_a_huge_line_and_a_million_short_ones_take_no_time():
    with pytest.raises(Unreadable):
        cli_switch.switchshow(lines(b"x " * 4_000_000))
    with pytest.raises(Unreadable):
        cli_names.logins(lines(b"N 010000; 3;\n" * 200_000))
