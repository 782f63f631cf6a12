"""Host keys from the engine's record: pinned once, never changed but by a person."""

from __future__ import annotations

import pytest

from inventory.models import Host
from inventory.services.sync import sync
from inventory.services.sync_keys import accept_host_key, key_line, take_offered
from portal.connectors.ssh import fingerprint
from portal.evidence.models import Record
from tests.fixtures_engine import API, Said
from tests.inventory.test_sync import KEY, OTHER_KEY, estate, hosts

__all__ = ["estate"]
pytestmark = [pytest.mark.django_db, pytest.mark.wire]


def say_key(estate, key):
    estate.scripted.answers[f"{API}/hosts"] = Said(body=hosts(key))
    return estate.sync(storage=False)


def test_the_engines_record_seeds_the_pin(estate):
    say_key(estate, KEY + " root@olvm01")
    host = Host.objects.get()
    assert host.pinned_key == KEY
    assert host.pinned_at is not None
    assert host.offered_key == ""


def test_a_different_record_is_offered_and_the_pin_stays(estate):
    say_key(estate, KEY)
    report = say_key(estate, OTHER_KEY)
    host = Host.objects.get()
    assert (host.pinned_key, host.offered_key) == (KEY, OTHER_KEY)
    assert report.rows_written == {"inventory_host": 1}
    assert Record.objects.get(kind="hostkey.refused").body["offered"] == OTHER_KEY
    assert say_key(estate, OTHER_KEY).rows_written == {}
    assert Record.objects.filter(kind="hostkey.refused").count() == 1


def test_a_pin_that_a_person_set_is_not_replaced(estate):
    estate.sync(storage=False)
    Host.objects.update(pinned_key=OTHER_KEY)
    estate.sync(storage=False)
    assert Host.objects.get().pinned_key == OTHER_KEY


def test_a_person_accepts_the_offered_key(estate):
    say_key(estate, KEY)
    say_key(estate, OTHER_KEY)
    host = Host.objects.get()
    accept_host_key(host, "anna")
    assert (host.pinned_key, host.offered_key) == (OTHER_KEY, "")
    record = Record.objects.get(kind="hostkey.accepted")
    assert (record.actor, record.body["before"]) == ("anna", KEY)
    assert say_key(estate, OTHER_KEY).rows_written == {}


def test_a_recorded_fingerprint_pins_the_key_that_the_host_shows(estate):
    say_key(estate, "")
    Host.objects.update(ssh_fingerprint=fingerprint(OTHER_KEY))
    take_offered(Host.objects.get().pk, KEY)
    assert (Host.objects.get().pinned_key, Host.objects.get().offered_key) == ("", KEY)
    take_offered(Host.objects.get().pk, OTHER_KEY)
    host = Host.objects.get()
    assert (host.pinned_key, host.offered_key) == (OTHER_KEY, "")
    assert Record.objects.get(kind="hostkey.pinned").body["fingerprint"] == fingerprint(OTHER_KEY)


@pytest.mark.parametrize(
    "columns",
    [
        {"ssh_fingerprint": ""},
        {"ssh_fingerprint": "SHA256:nobody"},
        {"ssh_fingerprint": fingerprint(KEY), "pinned_key": OTHER_KEY},
    ],
)
def test_an_offered_key_that_no_record_names_waits_for_a_person(estate, columns):
    say_key(estate, "")
    Host.objects.update(**columns)
    for _ in range(2):
        take_offered(Host.objects.get().pk, KEY)
    host = Host.objects.get()
    assert (host.pinned_key, host.offered_key) == (columns.get("pinned_key", ""), KEY)
    assert Record.objects.filter(kind="hostkey.refused").count() == 1
    accept_host_key(host, "anna")
    take_offered(host.pk, KEY)
    assert (Host.objects.get().pinned_key, Host.objects.get().offered_key) == (KEY, "")


def test_a_fingerprint_read_without_tls_pins_nothing(estate):
    say_key(estate, "")
    estate.engine.url = estate.engine.url.replace("https://", "http://")
    estate.engine.save(update_fields=["url"])
    Host.objects.update(ssh_fingerprint=fingerprint(KEY))
    take_offered(Host.objects.get().pk, KEY)
    assert Host.objects.get().pinned_key == ""


def test_an_offered_key_that_the_engine_names_later_is_the_pin_and_no_offer(estate):
    say_key(estate, "")
    take_offered(Host.objects.get().pk, KEY)
    say_key(estate, KEY)
    assert (Host.objects.get().pinned_key, Host.objects.get().offered_key) == (KEY, "")


def test_nothing_to_accept_is_refused(estate):
    say_key(estate, KEY)
    with pytest.raises(ValueError, match="No other host key of olvm01"):
        accept_host_key(Host.objects.get(), "anna")


def test_an_engine_without_tls_pins_nothing(estate):
    estate.engine.url = estate.engine.url.replace("https://", "http://")
    estate.engine.save(update_fields=["url"])
    sync(estate.engine, storage=False, session=estate.session)
    assert Host.objects.get().pinned_key == ""


@pytest.mark.parametrize(
    "raw",
    ["", "ssh-ed25519", "ssh-ed25519 AAAAEXAMPLE", "ssh-ed25519 " + KEY.split()[1], "ssh-rsa ####", "ssh-\u00e9 AAAA"],
)
def test_what_is_no_public_key_is_not_pinned(raw):
    assert key_line(raw) == ""
