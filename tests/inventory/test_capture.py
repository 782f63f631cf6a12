"""`manage.py capture`: a sample from a real host, names replaced."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from inventory.management.commands.capture import redacted
from inventory.models import Engine, Host, Site
from inventory.probes import PROBES
from portal.kernel.secret import Secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(sshd, user_key):
    where = sshd.address()
    site = Site.objects.create(name="PROD")
    engine = Engine.objects.create(
        site=site, name="e", url="https://127.0.0.1/x", username="u", password=Secret("p"),
        ssh_user=where.user, ssh_private_key=user_key[0], ssh_public_key=user_key[1],
    )  # fmt: skip
    return Host.objects.create(
        engine=engine, uuid="h", name="kvm01", address=where.host, ssh_port=where.port,
        pinned_key=where.host_key,
    )  # fmt: skip


def test_a_capture_is_a_sample_folder(host, tmp_path):
    call_command("capture", "kvm01", "host_facts", "--to", str(tmp_path / "case"))
    folder = tmp_path / "case"
    assert {path.name for path in folder.glob("*.stdout")} == {
        f"{name}.stdout" for name in PROBES["host_facts"].commands
    }
    assert (folder / "clock.exit").read_text() == "0\n"
    assert "Captured on" in (folder / "origin").read_text()
    with pytest.raises(CommandError, match="exists: name a new folder"):
        call_command("capture", "kvm01", "host_facts", "--to", str(folder))


def test_an_unknown_host_and_an_unreachable_one_are_told(host, tmp_path):
    with pytest.raises(CommandError, match="no host 'kvm09'"):
        call_command("capture", "kvm09", "host_facts", "--to", str(tmp_path / "a"))
    Host.objects.update(pinned_key="")
    with pytest.raises(CommandError, match="kvm01"):
        call_command("capture", "kvm01", "host_facts", "--to", str(tmp_path / "b"))


def test_names_and_addresses_are_replaced():
    host = Host(name="kvm01", address="10.1.2.3")
    assert redacted(b"kvm01.bank 10.1.2.3 36cc64", host) == b"host.example.bank 192.0.2.1 36cc64"
