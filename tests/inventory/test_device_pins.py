"""The certificates of an array's two controllers: compared and pinned in one act, over real TLS."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.test import Client

from inventory.models import Device, Engine, Site
from inventory.services import device_trust
from lab.san.front import certificate
from portal.access.services import add_person
from portal.connectors.san.errors import Untrusted
from portal.connectors.san.https import Door, Endpoint, pinned_key
from portal.evidence.models import Record
from portal.kernel.secret import Secret

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
ONE, TWO = "127.0.0.21", "127.0.0.22"


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        return None


class Controller:
    """HTTPS at one management address."""

    def __init__(self, address, port, context):
        self.http = ThreadingHTTPServer((address, port), _Quiet)
        self.http.daemon_threads, self.http.block_on_close = True, False
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(5)


@pytest.fixture
def made(tmp_path):
    """Makes both controllers of an array; the same certificate for both with one=True."""
    running = []

    def make(*, one=False):
        first, pem = certificate(tmp_path, "dorado-a", [ONE])
        second, other = (first, pem) if one else certificate(tmp_path, "dorado-b", [TWO])
        running.append(Controller(ONE, 0, first))
        running.append(Controller(TWO, running[0].port, second))
        site = Site.objects.create(name="P")
        engine = Engine.objects.create(site=site, name="e", url="https://e/ovirt-engine/api")
        device = Device.objects.create(
            engine=engine, site=site, kind="array", name="DORADO", address=ONE, second_address=TWO,
            port=running[0].port, username="u", password=Secret("p"),
        )  # fmt: skip
        return device, pem, other, running

    yield make
    for each in running:
        each.close()


def finger(pem):
    return device_trust.shown(pem).fingerprint


def test_both_certificates_are_pinned_in_one_act(made):
    device, pem, other, _ = made()
    offers = device_trust.ask(device)
    assert [(one.address, one.shown.fingerprint) for one in offers.every] == [(ONE, finger(pem)), (TWO, finger(other))]
    assert not device_trust.holds(device, offers)
    device_trust.pin(device, "anna", offers.mark)
    device.refresh_from_db()
    assert [one.fingerprint for one in device_trust.pinned(device.pin_pem)] == [finger(pem), finger(other)]
    assert device_trust.holds(device, device_trust.ask(device))
    body = Record.objects.get(kind="device.pinned").body
    assert body["addresses"] == {ONE: finger(pem), TWO: finger(other)}
    for address in (ONE, TWO):
        assert get(Endpoint("DORADO", address, device.port, device.pin_pem)) == 200


def get(endpoint):
    door = Door(endpoint)
    try:
        return door.get("/", {}, 10.0).status
    finally:
        door.close()


def test_one_certificate_of_both_is_pinned_once(made):
    device, pem, _, _ = made(one=True)
    offers = device_trust.ask(device)
    assert len(offers.certificates) == 1
    device_trust.pin(device, "anna", offers.mark)
    device.refresh_from_db()
    assert device.pin_pem.count("BEGIN CERTIFICATE") == 1
    assert pinned_key(device.pin_pem) == pinned_key(pem)


def test_a_stranger_at_one_of_the_addresses_is_not_spoken_to(made):
    device, pem, other, _ = made()
    with pytest.raises(Untrusted):
        get(Endpoint("DORADO", TWO, device.port, pem))
    assert get(Endpoint("DORADO", TWO, device.port, pem + other)) == 200


def test_what_was_shown_is_pinned_or_nothing_and_a_silent_controller_keeps_its_pin(made):
    device, pem, other, running = made()
    shown = device_trust.ask(device).mark
    device_trust.pin(device, "anna", shown)
    running[1].close()
    running.pop()
    device.refresh_from_db()
    now = device_trust.ask(device)
    assert now.silent == (TWO,)
    assert device_trust.holds(device, now), "what answers shows a pinned one"
    with pytest.raises(device_trust.TrustRefusal, match="other certificates than the page did"):
        device_trust.pin(device, "anna", shown)
    Device.objects.filter(pk=device.pk).update(pin_pem=other)
    device.refresh_from_db()
    device_trust.pin(device, "anna", now.mark)
    device.refresh_from_db()
    assert {one.fingerprint for one in device_trust.pinned(device.pin_pem)} == {finger(pem), finger(other)}
    running.pop().close()
    with pytest.raises(device_trust.TrustRefusal, match=f"at {ONE} port .* and {TWO} port"):
        device_trust.pin(device, "anna", now.mark)


def test_the_page_shows_both_and_pins_them(made):
    device, pem, other, _ = made()
    admin = Client()
    admin.force_login(add_person("admin1", "admin", Secret("not-a-secret-1234"), by="test", demo=True))
    where = f"/devices/{device.pk}/certificate/"
    page = admin.get(where).content.decode()
    assert "Pin the certificates of both controllers" in page
    assert finger(pem) in page
    assert finger(other) in page
    mark = device_trust.ask(device).mark
    assert admin.post(where, {"typed": "DORADO", "mark": mark}).status_code == 302
    page = admin.get(where).content.decode()
    assert "shows its pinned certificate" in page
    assert finger(other) in admin.get(f"/devices/{device.pk}/").content.decode()


def test_text_that_is_no_certificate_pins_nothing():
    assert device_trust.pinned("no certificate") == ()
    assert device_trust.pinned("") == ()
    assert device_trust.shown("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----") is None
