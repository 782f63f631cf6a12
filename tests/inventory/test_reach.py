"""Where a host is reached, from what the engine recorded."""

from __future__ import annotations

import pytest

from inventory.models import Engine, Host
from inventory.services.reach import address


@pytest.mark.parametrize(
    ("recorded", "host"),
    [
        ("kvm01.bank.example", "kvm01.bank.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
    ],
)
def test_every_form_of_address_and_port_is_taken(recorded, host):
    found = address(Host(name="kvm01", address=recorded, ssh_port=2222, engine=Engine(ssh_user="ops"), pinned_key="k"))
    assert (found.host, found.port, found.user, found.host_key) == (host, 2222, "ops", "k")


def test_the_hosts_own_account_stands_before_the_engines():
    assert address(Host(name="kvm01", ssh_user="root", engine=Engine(ssh_user="ops"))).user == "root"
