"""Oracle VMs over the lab's own SSH: every setting as wanted, four faults, a VM that is another one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deploy.seed_demo import seed_oracle_vms
from inventory.models import Finding, Look, OracleVm, Vm
from inventory.services import looks, sides, sweep, upkeep
from inventory.services.pages_redundancy import redundancy
from inventory.services.tuning import told_of
from tests.fixtures_estate_lab import KEY, known, lab, settle  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.wire]


@pytest.fixture
def engine(lab):  # noqa: F811
    made = known(lab)
    assert upkeep.sync_once(made.pk, storage=True).failed == {}
    seed_oracle_vms(made, lab.estate)
    yield made
    settle()
    lab.http("DELETE", "/faults")


def look() -> None:
    Look.objects.filter(probe=looks.ORACLE).update(due_at=timezone.now() - timedelta(seconds=1))
    assert sweep.sweep(patience=60.0, probes=(looks.ORACLE,)).claimed == 2


def said(name: str, outcome: str) -> dict[str, str]:
    rows = Finding.objects.filter(look__vm__name=name, look__probe=looks.ORACLE, outcome=outcome)
    return {one.subject_key.removeprefix(f"{name} "): one.check_name for one in rows}


def test_settings_as_wanted_are_read_whole_in_one_round_trip(engine, lab):  # noqa: F811
    before = len(lab.http("GET", "/ledger?host=oradb01"))
    look()
    assert set(Look.objects.filter(probe=looks.ORACLE).values_list("state", flat=True)) == {Look.State.READ}
    for name in ("oradb01", "oradb02"):
        assert said(name, "fail") == {}
        assert said(name, "unknown") == {}
        own = {key for key, check in said(name, "warn").items() if check != "tuning_engine"}
        assert own == set()
        assert len(said(name, "ok")) > 30
    rounds = [row for row in lab.http("GET", "/ledger?host=oradb01")[before:] if row["kind"] == "ssh"]
    assert len(rounds) == 1


def test_three_faults_stand_where_they_belong_and_go_again(engine, lab):  # noqa: F811
    lab.fault("oracle-thp", "oradb01")
    lab.fault("oracle-live-only", "oradb01")
    lab.fault("oracle-hugepages", "oradb02")
    look()
    assert said("oradb01", "fail") == {"THP enabled": "tuning_hugepages"}
    assert said("oradb01", "warn")["vm.nr_hugepages"] == "tuning_fleeting"
    assert {"vm.nr_hugepages", "HugePages in use"} <= set(said("oradb02", "fail"))
    assert redundancy(timezone.now()).tuned.word.value == "No"
    lab.http("DELETE", "/faults")
    look()
    assert said("oradb01", "fail") == said("oradb02", "fail") == {}


def test_its_disks_are_tied_to_the_luns_that_the_engine_attaches(engine, lab):  # noqa: F811
    def disks() -> dict[str, tuple[bool | None, str]]:
        look()
        vm = Vm.objects.get(name="oradb01")
        lines = sides.vm_lines(vm, told_of(vm), timezone.now())
        return {one.fact: (one.agree, one.values["guest"]) for one in lines if one.fact.startswith("Disk ")}

    assert disks() == {
        "Disk ora_data01": (True, "sdb, ASM /dev/asm-data01"),
        "Disk ora_fra01": (True, "sdd, ASM /dev/asm-fra01"),
        "Disk ora_redo01": (True, "sdc, ASM /dev/asm-redo01"),
    }
    lab.fault("oracle-other-lun", "oradb01")
    held = disks()
    assert held["Disk ora_data01"] == (False, "not there")
    assert held["Disk sdb of the guest"][1].startswith("sdb, ASM /dev/asm-data01: 3")


def test_a_vm_that_shows_another_key_is_asked_nothing(engine, lab):  # noqa: F811
    look()
    known = OracleVm.objects.get(vm__name="oradb02").host_key
    OracleVm.objects.filter(vm__name="oradb01").update(host_key=known)
    look()
    row = Look.objects.get(vm__name="oradb01", probe=looks.ORACLE)
    assert row.state == Look.State.UNANSWERED
    assert said("oradb01", "ok") == {}
    assert said("oradb02", "unknown") == {}
