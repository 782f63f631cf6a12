"""Oracle VMs from declaration to screen, over the sample of a real answer: looks, findings, approval, pages, API."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import ApprovedTuning, Finding, Look, OracleVm, Transition, Vm
from inventory.services import looks, oracle_vms, watch
from inventory.services.pages_overview import group_of
from inventory.services.pages_redundancy import redundancy
from inventory.services.pages_tuning import lines, tuning_of
from inventory.services.record import record
from inventory.tuning.probe import COMMANDS
from inventory.views.answers import tiles
from portal.connectors.ssh import Unanswered
from portal.evidence.models import Record
from portal.kernel.output import Output
from tests.samples_dir import cases
from tests.ui import world

pytestmark = pytest.mark.django_db
GIB = 2**30
CASE = cases("oracle_tuning")["as_wanted"]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJq0Yxh1fWT7nJZ4zB2r5tX8y0u2mQ3pVd9sLkGfHcAe"


class Machine:
    """A VM behind the SSH pool: the sample's texts, some of them changed; or nobody."""

    def __init__(self, **swaps: tuple[str, str]) -> None:
        self.swaps, self.asked = swaps, []

    def collect(self, address, commands):
        self.asked.append((address, tuple(commands)))
        if "nobody" in self.swaps:
            raise Unanswered("oradb01 does not answer on 10.0.0.1 port 22: see its console.")
        found = {name: CASE.output(name) for name in commands}
        for name, (old, new) in self.swaps.items():
            text = found[name].text()
            assert old in text
            found[name] = Output(text.replace(old, new).encode(), b"", 0)
        return found


@pytest.fixture
def oracle():
    engine = world.build("healthy")
    vm = Vm.objects.get(name="oradb01")
    Vm.objects.filter(pk=vm.pk).update(
        vm_type="high_performance", io_threads=4, multi_queues=True, affinity="migratable", pending_change=False,
        lease_domain="d", guaranteed=vm.memory, ballooning=False,
    )  # fmt: skip
    vm.attachments.update(active=True, read_only=False)
    engine.clusters.update(overcommit=100)
    engine.hosts.update(hugepages={"1048576": {"total": 512, "free": 512}})
    row = OracleVm.objects.create(
        vm=vm, address="10.0.0.1", host_key=KEY, instances=[{"name": "ORCL1", "sga_bytes": 150 * GIB}]
    )
    watch.ensure(engine)
    return row


def look(machine, at=None):
    """One look as a sweep makes it."""
    (due,) = Look.objects.select_related("vm", "engine").filter(probe=looks.ORACLE)
    (visit,) = oracle_vms.visits([due])
    results = visit.results(machine)
    record([replace(one, at=at or one.at) for one in results])
    return results[0]


def outcomes(**only):
    return {one.subject_key.removeprefix("oradb01 "): one.outcome for one in Finding.objects.filter(
        look__probe=looks.ORACLE, **only)}  # fmt: skip


def page(now=None):
    vm = Vm.objects.select_related("cluster").get(name="oradb01")
    return tuning_of(vm, list(vm.attachments.select_related("lun")), now or timezone.now())


def tile():
    found = redundancy(timezone.now())
    return tiles([], found, "PROD", None)[5]


def test_a_declared_vm_gets_one_look_and_loses_it_when_nobody_watches_it(oracle):
    assert Look.objects.filter(vm=oracle.vm, probe=looks.ORACLE).count() == 1
    assert watch.ensure(oracle.vm.engine) == 0
    OracleVm.objects.update(watched=False)
    watch.ensure(oracle.vm.engine)
    assert not Look.objects.filter(vm=oracle.vm).exists()


def test_a_vm_that_the_engine_lists_no_longer_is_not_looked_at(oracle):
    Vm.objects.filter(pk=oracle.vm_id).update(gone_since=timezone.now())
    watch.ensure(oracle.vm.engine)
    assert not Look.objects.filter(vm=oracle.vm).exists()


def test_one_round_trip_with_the_pinned_key_reads_all_sections(oracle):
    machine = Machine()
    result = look(machine)
    ((address, asked),) = machine.asked
    assert (address.host, address.user, address.host_key, address.name) == ("10.0.0.1", "oracle", KEY, "oradb01")
    assert asked == tuple(COMMANDS)
    assert result.state == Look.State.READ
    assert set(Look.objects.get(probe=looks.ORACLE).sections) == set(COMMANDS)


def test_a_claimed_look_comes_with_its_vm(oracle, django_assert_num_queries):
    Look.objects.filter(probe=looks.ORACLE).update(due_at=timezone.now() - timedelta(seconds=1))
    (due,) = looks.claim(timezone.now(), [looks.ORACLE])
    with django_assert_num_queries(0):
        assert due.subject.name == "oradb01"
    assert looks.claim(timezone.now(), [looks.ORACLE]) == []
    with django_assert_num_queries(5):
        oracle_vms.visits([due])
    with django_assert_num_queries(0):
        assert oracle_vms.visits([]) == []


def test_a_vm_as_wanted_is_ok_in_every_row_and_on_the_overview(oracle):
    look(Machine())
    assert {key: one for key, one in outcomes().items() if one != "ok"} == {}
    assert "host pool on kvm01" not in outcomes(), "the engine's side is the engine's look"
    assert page().state.value == "ok"
    assert (tile().answer, tile().state) == ("Yes", "ok")


def test_a_failure_stands_on_page_list_and_overview_with_its_sentence(oracle):
    look(Machine(live=("always madvise [never]", "[always] madvise never")))
    assert outcomes()["THP enabled"] == "fail"
    words = Finding.objects.get(subject_key="oradb01 THP enabled").sentence
    assert page().rows[0].parameter == "THP enabled", "the gravest first"
    (line,) = lines(timezone.now())
    assert (line.outcome.value, line.sentence, line.fail) == ("fail", words, 1)
    assert (tile().answer, tile().url) == ("No", "/tuning/")
    assert tile().sentence.startswith(words)


def test_right_now_and_lost_at_the_next_boot_has_a_check_of_its_own(oracle):
    look(Machine(files=("kernel.sem", "#kernel.sem"), live=("oracle", "other")))
    found = outcomes(check_name="tuning_fleeting")
    assert found.get("kernel.sem") == "warn"
    assert (tile().answer, tile().state) == ("Yes, with a gap", "warn")


def test_too_few_huge_pages_for_the_declared_sga_fail(oracle):
    oracle.instances = [{"name": "ORCL1", "sga_bytes": 190 * GIB}]
    oracle.save()
    look(Machine())
    assert outcomes()["vm.nr_hugepages"] == "fail"


def test_without_a_declared_sga_the_pages_needed_are_not_known_and_the_engine_is_not_judged(oracle):
    OracleVm.objects.update(instances=[])
    look(Machine())
    assert outcomes()["vm.nr_hugepages"] == "unknown"
    assert "host pool on kvm01" not in outcomes()
    assert tile().answer == "Not known"


def test_a_part_that_was_denied_is_unknown_and_the_others_stand(oracle):
    class Denied(Machine):
        def collect(self, address, commands):
            refused = Output(b"", b"sh: stat: Permission denied\n", 126)
            return super().collect(address, commands) | {"storage": refused}

    look(Denied())
    found = outcomes()
    assert (found["AMM"], found["ASM disks"], found["kernel.sem"]) == ("unknown", "unknown", "ok")


def test_nobody_at_the_address_is_not_known_everywhere(oracle):
    look(Machine())
    look(Machine(nobody=("", "")), timezone.now() + timedelta(seconds=1))
    assert set(outcomes().values()) == {"unknown"}
    assert "does not answer" in page().why
    assert {row.outcome.value for row in page().rows if row.area != "engine"} == {"unknown"}
    assert page().shown is None
    assert (tile().answer, "does not answer" in tile().sentence) == ("Not known", True)


def test_a_look_that_grew_old_says_nothing_of_now(oracle):
    look(Machine(), timezone.now() - timedelta(hours=2))
    assert "last looked at" in page().why
    assert tile().answer == "Not known"
    assert lines(timezone.now())[0].outcome.value == "unknown"


def test_a_look_that_was_never_made_is_not_known(oracle):
    assert tile().answer == "Not known"
    assert page().state.value == "unknown"
    assert lines(timezone.now())[0].outcome.value == "unknown"


def test_without_a_declaration_the_tile_says_what_is_missing(db):
    world.build("healthy")
    assert (tile().answer, tile().link) == ("Not known", "What is missing")
    assert lines(timezone.now()) == []


def test_what_is_shown_is_approved_and_another_value_drifts(oracle):
    look(Machine())
    mark = page().shown.mark
    count = oracle_vms.approve(oracle, "dba1", mark)
    kept = ApprovedTuning.objects.get()
    assert len(kept.values) == count
    assert kept.approved_by == "dba1"
    body = Record.objects.get(kind="tuning.approved").body
    assert (body["sha256"], body["values"]) == (mark, kept.values)
    assert not page().shown.changed
    swappiness = CASE.output("live").text().partition("/proc/sys/vm/swappiness:")[2].splitlines()[0]
    moved = (f"/proc/sys/vm/swappiness:{swappiness}", "/proc/sys/vm/swappiness:7")
    look(Machine(live=moved), timezone.now() + timedelta(seconds=1))
    assert outcomes(check_name="tuning_drift") == {"vm.swappiness": "warn"}
    assert Transition.objects.filter(check_name="tuning_drift").count() == 1
    assert page().shown.changed
    assert "vm.swappiness is 7 and was" in page().drifted[0]


def test_another_look_than_the_one_shown_is_not_approved(oracle):
    look(Machine())
    mark = page().shown.mark
    look(Machine(live=("always madvise [never]", "[always] madvise never")), timezone.now() + timedelta(seconds=1))
    with pytest.raises(oracle_vms.CannotApprove, match="other settings now"):
        oracle_vms.approve(oracle, "dba1", mark)
    assert not ApprovedTuning.objects.exists()
    assert not Record.objects.filter(kind="tuning.approved").exists()


def test_what_was_not_read_lately_is_not_approved(oracle):
    with pytest.raises(oracle_vms.CannotApprove, match="was not read lately"):
        oracle_vms.approve(oracle, "dba1", "")


def test_facts_of_another_release_are_no_facts(oracle):
    look(Machine())
    Look.objects.filter(probe=looks.ORACLE).update(facts={"written": "by another release"})
    assert "another release" in page().why


def test_a_straying_exception_is_unknown_with_its_name(oracle):
    class Broken(Machine):
        def collect(self, address, commands):
            raise RuntimeError("a surprise")

    result = look(Broken())
    assert result.state == Look.State.UNANSWERED
    assert "RuntimeError: a surprise" in result.sentence


def test_pages_show_it_within_their_queries(oracle, reader, django_assert_max_num_queries):
    look(Machine(live=("always madvise [never]", "[always] madvise never")))
    client = reader
    client.get("/help/keys/")
    with django_assert_max_num_queries(15):
        shown = client.get(f"/vms/{oracle.vm_id}/").content.decode()
    assert "Transparent huge pages are always" in shown
    assert "Approve what is shown" in shown
    assert "ORCL1 is declared with an SGA of" in shown
    with django_assert_max_num_queries(11):
        listed = client.get("/tuning/").content.decode()
    assert "0 of 1 Oracle VMs run as declared" in listed
    assert client.get(f"/looks/{Look.objects.get(probe=looks.ORACLE).pk}/").status_code == 200
    answer = client.post(f"/vms/{oracle.vm_id}/approve/", {"shown": "stale"}, follow=True).content.decode()
    assert "nothing was approved" in answer
    answer = client.post(f"/vms/{oracle.vm_id}/approve/", {"shown": page().shown.mark}, follow=True).content.decode()
    assert "settings are approved" in answer
    assert ApprovedTuning.objects.get().approved_by == Record.objects.get(kind="tuning.approved").actor


def test_who_only_looks_approves_nothing(oracle, person):
    look(Machine())
    reader = Client()
    reader.force_login(person("viewer"))
    assert "Approve what is shown" not in reader.get(f"/vms/{oracle.vm_id}/").content.decode()
    assert reader.post(f"/vms/{oracle.vm_id}/approve/", {"shown": page().shown.mark}).status_code == 403
    assert not ApprovedTuning.objects.exists()


@pytest.fixture
def admin(person):
    client = Client()
    client.force_login(person("admin"))
    return client


FORM = {
    "address": "10.0.0.2", "port": "22", "ssh_user": "oracle", "host_key": f"{KEY} root@oradb02", "asm_owner": "grid",
    "asm_group": "asmadmin", "asm_mode": "660", "watched": "on", "sgas": "ORCL2 48G\nRCAT 8G",
}  # fmt: skip


def test_an_administrator_declares_a_vm_and_its_look_is_due_at_once(oracle, admin):
    vm = Vm.objects.get(name="oradb02")
    answer = admin.post("/admin/inventory/oraclevm/add/", FORM | {"vm": vm.pk})
    assert answer.status_code == 302, answer.content.decode()[:4000]
    made = OracleVm.objects.get(vm=vm)
    assert made.instances == [
        {"name": "ORCL2", "sga_bytes": 48 * GIB},
        {"name": "RCAT", "sga_bytes": 8 * GIB},
    ]
    assert made.host_key == KEY, "without its comment"
    assert Look.objects.get(vm=vm).due_at <= timezone.now()
    assert Record.objects.filter(kind="oraclevm.added").count() == 1
    shown = admin.get(f"/admin/inventory/oraclevm/{made.pk}/change/").content.decode()
    assert "ORCL2 48G" in shown
    assert admin.post(f"/admin/inventory/oraclevm/{made.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Look.objects.filter(vm=vm).exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("host_key", "ssh-ed25519 nonsense", "is no such key"),
        ("host_key", "", "required"),
        ("sgas", "ORCL2 much", "no line of a name and a size"),
        ("sgas", "ORCL2 64", "1 MiB to 64 TiB"),
    ],
)
def test_a_declaration_that_cannot_be_right_is_refused(oracle, admin, field, value, words):
    vm = Vm.objects.get(name="oradb02")
    answer = admin.post("/admin/inventory/oraclevm/add/", FORM | {"vm": vm.pk, field: value})
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not OracleVm.objects.filter(vm=vm).exists()


def test_a_failed_answer_leads_the_overview_and_stays_out_of_the_engines_strip(oracle, reader):
    look(Machine(live=("always madvise [never]", "[always] madvise never")))
    text = reader.get("/").content.decode()
    assert "Engine and LUNs protected, one failure, three answers not known" in text
    assert group_of("vm", None) not in ("engine", "luns")


def test_a_vms_page_says_what_its_tuning_lacks(oracle, reader):
    where = f"/vms/{oracle.vm_id}/"
    assert "was never looked at by oracle_tuning" in reader.get(where).content.decode()
    look(Machine())
    assert "As the engine describes it." in reader.get(where).content.decode()
    look(Machine(live=("/vm/swappiness:10", "/vm/swappiness:60")), timezone.now() + timedelta(seconds=1))
    assert "vm.swappiness is 60, 1 to 10 is wanted" in reader.get(where).content.decode()


def test_the_api_lists_declarations_without_account_and_key(oracle, reader):
    look(Machine())
    text = reader.get("/api/v1/oracle-vms/").content.decode()
    (one,) = json.loads(text)["results"]
    assert (one["vm"], one["instances"][0]["name"]) == (oracle.vm_id, "ORCL1")
    assert "ssh_user" not in one
    assert KEY not in text
    found = reader.get("/api/v1/findings/?subject_kind=vm&check_name=tuning_hugepages").json()["results"]
    assert {one["subject_key"] for one in found} >= {"oradb01 THP enabled", "oradb01 vm.nr_hugepages"}
