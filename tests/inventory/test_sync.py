"""The sync against a scripted engine: what lands in the tables, and what must not be written."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Attachment, Cluster, Engine, EngineEvent, Host, HostLun, Lun, Site, StorageDomain, Vm
from inventory.services.sync import sync
from portal.connectors.engine import Session
from tests.fixtures_engine import (
    API,
    PASSWORD,
    Said,
    engine_identity,  # noqa: F401 (a fixture)
    sample,
    scripted,  # noqa: F401 (a fixture)
)

pytestmark = [pytest.mark.django_db, pytest.mark.wire]

HOST = "0f1e0a10-1111-4a01-9a01-00000000a001"
VM = "0f1e0a10-4444-4a01-9a01-00000000d001"
DIRECT = "363400a31000d00010a1b2c3d00000002"
OF_DOMAIN = "363400a31000d00010a1b2c3d00000001"
STORAGE = f"{API}/hosts/{HOST}/storage"
KEY = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA=="
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE=="


@pytest.fixture
def estate(scripted):  # noqa: F811
    scripted.answers[f"{API}/clusters"] = Said(body=CLUSTERS)
    scripted.answers[f"{API}/hosts"] = Said(body=hosts(KEY))
    site = Site.objects.create(name="Main")
    engine = Engine.objects.create(
        site=site,
        name="engine1",
        url=scripted.url,
        username="admin@ovirt@internalsso",
        password=PASSWORD,
        ca_pem=scripted.ca_pem,
    )
    with Session(scripted.credentials(), timeout=5) as session:
        yield Estate(scripted, engine, session)


class Estate:
    def __init__(self, scripted, engine, session):
        self.scripted, self.engine, self.session = scripted, engine, session

    def sync(self, storage=True):
        self.engine.refresh_from_db()
        return sync(self.engine, storage=storage, session=self.session)

    def say(self, path, body):
        self.scripted.answers[f"{API}/{path}"] = Said(body=body if isinstance(body, bytes) else body.encode())

    def change(self, path, old, new):
        said = self.scripted.answers[f"{API}/{path}"]
        assert old.encode() in said.body
        self.scripted.answers[f"{API}/{path}"] = Said(body=said.body.replace(old.encode(), new.encode()))


CLUSTERS = b"""<clusters><cluster id="0f1e0a10-2222-4a01-9a01-00000000b002"><name>Default</name><cpu><type>Icelake</type></cpu>
<affinity_groups><affinity_group id="a"><name>rac-anti</name><broken>true</broken></affinity_group>
<affinity_group id="b"><name>other</name><broken>false</broken></affinity_group></affinity_groups></cluster></clusters>"""


def hosts(key):
    body = sample("hosts-all_content-follow-nics-statistics.xml").decode()
    return re.sub("<public_key>.*</public_key>", f"<public_key>{key}</public_key>", body).encode()


def test_the_first_sync_fills_every_table(estate):
    report = estate.sync()
    assert (report.failed, report.requests) == ({}, 9)
    host, vm = Host.objects.get(uuid=HOST), Vm.objects.get(uuid=VM)
    assert (host.name, host.status, host.he_score, host.ssh_port) == ("olvm01", "up", 3400, 22)
    assert host.hugepages == {"1048576": {"free": 412, "total": 900}}
    assert host.nics[0]["mac"] == "52:54:00:00:00:11"
    assert host.cluster == Cluster.objects.get() == vm.cluster
    assert Cluster.objects.get().broken_affinity == ["rac-anti"]
    assert (vm.host, vm.vcpus, vm.hugepages_kib, vm.high_availability) == (host, 16, 1048576, True)
    domain = StorageDomain.objects.get()
    assert (domain.status, domain.available) == ("active", 53687091200)
    direct, of_domain = Lun.objects.get(uuid=DIRECT), Lun.objects.get(uuid=OF_DOMAIN)
    assert (direct.name, direct.size, direct.shareable, direct.domain) == ("ora_data01", 1099511627776, True, None)
    assert (of_domain.domain, of_domain.disk_uuid) == (domain, "")
    assert Attachment.objects.get().lun == direct
    assert set(HostLun.objects.values_list("lun__uuid", "paths", "active_paths")) == {(DIRECT, 8, 8), (OF_DOMAIN, 8, 8)}
    assert EngineEvent.objects.count() == 2
    estate.engine.refresh_from_db()
    assert (estate.engine.last_event_id, estate.engine.version) == (12346, "4.5.5-1.42.el8")
    assert report.rows_written == {
        "inventory_cluster": 1,
        "inventory_host": 2,  # the row, then its pin
        "inventory_vm": 1,
        "inventory_storagedomain": 1,
        "inventory_lun": 2,
        "inventory_attachment": 1,
        "inventory_hostlun": 2,
        "inventory_engineevent": 2,
        "inventory_engine": 1,
    }


def test_an_unchanged_engine_writes_no_row(estate):
    estate.sync()
    with CaptureQueriesContext(connection) as queries:
        report = estate.sync()
    assert (report.rows_written, report.failed) == ({}, {})
    written = [
        one["sql"] for one in queries if re.match(r"(?i)\s*(insert|update|delete|copy|select pg_notify)", one["sql"])
    ]
    assert written == []
    assert len(queries) <= 25
