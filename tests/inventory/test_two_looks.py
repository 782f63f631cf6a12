"""Rules that need two looks find the one before in the row: in every process, and after a start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from inventory.models import Device, Engine, Look, Site
from inventory.redundancy.lint import lint
from inventory.services import devices, gathering, proving
from inventory.services.looks import Result
from inventory.services.record import record
from portal.kernel import facts as facts_json
from portal.kernel.san import ArrayPort, ArraySeen, Login, SwitchPort, SwitchSeen, Zone, Zoning

pytestmark = pytest.mark.django_db
WWN, PORT = "1000c4f57c01a000", "2000c4f57c01a000"
SWITCH = SwitchSeen(
    WWN,
    "SWA1",
    "rest",
    ports=(SwitchPort(0, PORT, "", "online", "F", True, neighbors=("100000000000000a",)),),
    logins=(Login("100000000000000a", "100000000000000a", PORT, "010000"),),
    zoning=Zoning("CFG", (Zone("Z", ("100000000000000a",)),), {"CFG": ("Z",)}, (), {}, False, False),
    counters={0: {"in-crc-errors": 5}},
)
ARRAY = ArraySeen("SN1", "PROD", ports=(ArrayPort("1", "20006cc64a610001", "CTE0.A", "0A", "0A.0", "1", "10"),))


def crc(count: int) -> SwitchSeen:
    return replace(SWITCH, counters={0: {"in-crc-errors": count}})


@pytest.fixture
def engine():
    site = Site.objects.create(name="PROD")
    made = Engine.objects.create(site=site, name="engine", url="https://127.0.0.1/x", username="u", password="p")
    for kind, name in (("switch", "SWA1"), ("array", "PROD")):
        device = Device.objects.create(engine=made, site=site, kind=kind, name=name, address="127.0.0.1")
        Look.objects.create(engine=made, device=device, probe=kind, due_at=timezone.now())
    return made


def told(engine, seen, at):
    """One look as `devices.visit` makes it, without the device."""
    kind = "switch" if isinstance(seen, SwitchSeen) else "array"
    look = Look.objects.get(engine=engine, probe=kind)
    known = devices.last([look])[look.pk]
    facts = facts_json.dump(seen) | {devices.BEFORE: devices.before(*known, at, kind)}
    record([Result(look.pk, "read", at, 5, "", facts, (), {}, {"told": {}}, str(at.timestamp()))])


def rising(engine):
    now = timezone.now()
    proving._kept.clear()  # another process, or a start
    proof = proving.proof_of(engine, now)
    return [
        one.sentence for one in lint(proof.estate, gathering.before(engine, now), proof) if one.rule == "ERRORS_RISING"
    ]


def test_errors_that_rose_between_two_looks_are_told_by_every_process(engine):
    now = timezone.now()
    told(engine, crc(5), now - timedelta(seconds=600))
    assert gathering.before(engine, now) is None
    assert rising(engine) == [], "one look cannot tell"
    told(engine, crc(12), now - timedelta(seconds=300))
    (sentence,) = rising(engine)
    assert "in-crc-errors +7 in 300 s" in sentence
    assert rising(engine) == [sentence], "as long as no other look came, whoever asks"
    told(engine, crc(12), now)
    assert rising(engine) == [], "the last interval had none"


def test_only_what_rules_need_is_kept_of_the_look_before(engine):
    now = timezone.now()
    told(engine, crc(5), now - timedelta(seconds=300))
    told(engine, crc(6), now)
    seconds, kept = devices.earlier(Look.objects.get(probe="switch").facts, "switch")
    assert seconds == 300.0
    assert (kept.counters, kept.ports) == (crc(5).counters, SWITCH.ports)
    assert (kept.logins, kept.zoning) == ((), None)
    assert devices.seen("switch", Look.objects.get(probe="switch").facts) == crc(6), "the look itself is whole"


def test_an_array_keeps_its_ports(engine):
    now = timezone.now()
    told(engine, ARRAY, now - timedelta(seconds=300))
    told(engine, ARRAY, now)
    before = gathering.before(engine, now)
    assert (before.switches, [one.serial for one in before.arrays]) == ((), ["SN1"])
    assert before.arrays[0].ports == ARRAY.ports
    assert (now.timestamp() - before.at) == pytest.approx(300)


@pytest.mark.parametrize("facts", [None, {"written": "by another release"}])
def test_what_another_release_wrote_is_no_look_before(facts):
    now = timezone.now()
    assert devices.before(facts, now, now, "switch") is None
    assert devices.before(facts_json.dump(SWITCH), None, now, "switch") is None
    assert devices.earlier(facts, "switch") is None
    assert devices.earlier(facts_json.dump(SWITCH) | {devices.BEFORE: None}, "switch") is None
    broken = {"seconds": 1.0, "told": {"written": "by another release"}}
    assert devices.earlier(facts_json.dump(SWITCH) | {devices.BEFORE: broken}, "switch") is None


def test_looks_that_are_not_at_devices_ask_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert devices.last([Look(probe="multipath")]) == {}
