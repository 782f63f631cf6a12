"""Logical networks, clusters and the devices that carry them, from the engine's XML."""

from __future__ import annotations

import pytest

from portal.connectors.engine import networks
from portal.connectors.engine.xml import Unreadable

NETWORK = """<networks><network href="/ovirt-engine/api/clusters/C/networks/N" id="N"><name>ora-pub</name>
<mtu>{mtu}</mtu>{required}{vlan}<usages><usage>vm</usage><usage>migration</usage><usage/></usages></network></networks>"""


def one(mtu="0", required="<required>true</required>", vlan=""):
    (found,) = networks.networks(NETWORK.format(mtu=mtu, required=required, vlan=vlan).encode(), "C")
    return found


def test_a_network_of_a_cluster():
    found = one("9000", vlan='<vlan id="120"/>')
    assert found == networks.LogicalNetwork("N", "ora-pub", "C", True, 120, 9000, ("vm", "migration"))


@pytest.mark.parametrize(
    ("vlan", "told"),
    [("", 0), ('<vlan id="4094"/>', 4094), ('<vlan id="4095"/>', None), ('<vlan id="x"/>', None), ("<vlan/>", None)],
)
def test_no_vlan_is_untagged_and_an_odd_one_is_not_known(vlan, told):
    assert one(vlan=vlan).vlan == told


@pytest.mark.parametrize(("mtu", "told"), [("0", None), ("", None), ("1500", 1500), ("99999999", None), ("x", None)])
def test_an_mtu_that_is_left_to_the_engine_is_not_known(mtu, told):
    assert one(mtu).mtu == told


def test_whether_it_is_required_may_be_unsaid():
    assert one(required="").required is None


def test_clusters_and_their_data_centres():
    body = b"""<clusters><cluster id="C"><name>core</name><cpu><type>Icelake</type></cpu>
    <version><major>4</major><minor>7</minor></version><data_center href="x" id="D"/></cluster>
    <cluster id="E"><name>edge</name></cluster></clusters>"""
    core, edge = networks.clusters(body)
    centers = networks.data_centers(
        b'<data_centers><data_center id="D"><name>Nairobi</name></data_center></data_centers>'
    )
    wiring = networks.Wiring((core, edge), centers, (), ())
    assert (core.compatibility, core.cpu_type, wiring.data_center_of(core)) == ("4.7", "Icelake", "Nairobi")
    assert (edge.compatibility, edge.cpu_type, wiring.data_center_of(edge)) == ("", "", "")


def test_devices_name_their_network_by_id_or_by_name():
    body = b"""<hosts><host id="H"><nics>
    <host_nic id="1"><name>bond0</name><mtu>1500</mtu><network href="/x" id="N"/></host_nic>
    <host_nic id="2"><name>bond0.120</name><network><name>ora-pub</name></network></host_nic>
    <host_nic id="3"><name>ens1f0</name></host_nic></nics></host><host id="I"/></hosts>"""
    assert networks.attached(body) == (
        networks.Attached("H", "bond0", "N", 1500),
        networks.Attached("H", "bond0.120", "ora-pub", None),
    )


@pytest.mark.parametrize("body", [b"<html/>", b"<networks><network/></networks>", b"<networks><network id="])
def test_what_is_no_list_of_networks_is_refused(body):
    with pytest.raises(Unreadable):
        networks.networks(body, "C")
