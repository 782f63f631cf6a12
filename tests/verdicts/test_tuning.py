"""The tuning of an Oracle VM: samples, arithmetic, persistence, drift."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.tuning import hugepages, reading
from inventory.tuning.compliance import approved_values, drift, findings, table
from inventory.tuning.facts import UNLIMITED, AsmDisk, GuestDisk, Instance, OracleFacts, TuningDeclared
from inventory.tuning.probe import COMMANDS, judge, parse
from inventory.tuning.table import RULES, Rule
from portal.kernel import facts as stored
from portal.kernel.output import Output, ParseError
from tests.samples_dir import cases

GIB = 2**30
CASES = cases("oracle_tuning")
SGAS = TuningDeclared("oradb01", (Instance("ORCL1", 150 * GIB),))


def outputs(case: str = "as_wanted", **instead: str) -> dict[str, Output]:
    found = {name: CASES[case].output(name) for name in COMMANDS}
    return found | {name: Output(text.encode(), b"", 0) for name, text in instead.items()}


def facts(case: str = "as_wanted", **swaps: tuple[str, str]) -> OracleFacts:
    """The sample with some texts changed: section=(old, new)."""
    texts = {name: CASES[case].output(name).text() for name in COMMANDS}
    for name, (old, new) in swaps.items():
        assert old in texts[name]
        texts[name] = texts[name].replace(old, new)
    return parse({name: Output(text.encode(), b"", 0) for name, text in texts.items()})


def row(seen: OracleFacts, parameter: str, declared: TuningDeclared = SGAS):
    (found,) = [one for one in table(seen, declared) if one.parameter == parameter]
    return found


def said(seen: OracleFacts, parameter: str, declared: TuningDeclared = SGAS):
    found = row(seen, parameter, declared)
    return str(found.outcome), found.sentence


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_sample_reads_as_expected(name):
    expected = CASES[name].expected
    if "error" in expected:
        with pytest.raises(ParseError, match=expected["error"]):
            parse(outputs(name))
        return
    seen = parse(outputs(name))
    assert stored.load(OracleFacts, json.loads(json.dumps(stored.dump(seen)))) == seen
    assert {one.check: str(one.outcome) for one in judge(seen, SGAS)} == expected
    assert all(one.subject.kind == "vm" and one.sentence.endswith(".") for one in judge(seen, SGAS))
    assert all(one.sentence.endswith(".") for one in table(seen, SGAS))


def test_every_row_of_the_facts_sheet_is_there():
    names = {one.parameter for one in table(facts(), SGAS)}
    assert {rule.parameter for rule in RULES} < names
    others = (
        "vm.nr_hugepages, HugePages in use, HugePages_Total, HugePages_Surp, idle HugePages, PageTables, AMM, "
        "THP enabled, THP defrag, THP on the command line, limit memlock, vm.hugetlb_shm_group, kernel.shmmax, "
        "kernel.shmall, aio in use, limit nofile, limit nproc, limit stack, tuned, I/O scheduler, "
        "ASM disks, queues of ASM disks, clocksource, swap"
    )
    assert names == {rule.parameter for rule in RULES} | set(others.split(", "))


# --- huge pages


def test_the_measured_pool_fits_its_sga():
    """76827 set, 76801 used for a 150 GB SGA (4.1)."""
    want = hugepages.need(SGAS.instances, 2 * 2**20)
    assert (want.filled, want.least, want.most) == (76800, 76801, 80642)
    assert said(facts(), "HugePages in use") == ("ok", "76801 of 76827 huge pages are in use or promised.")


@given(
    sizes=st.lists(st.integers(1, 4 * 2**40), min_size=1, max_size=8),
    page=st.sampled_from([2 * 2**20, 2**30]),
)
def test_a_pool_of_the_lower_bound_holds_every_sga_and_is_not_called_waste(sizes, page):
    instances = [Instance(str(number), size) for number, size in enumerate(sizes)]
    want = hugepages.need(instances, page)
    assert want.least * page >= sum(sizes) + 0
    assert want.least - len(sizes) == want.filled == sum(math.ceil(size / page) for size in sizes)
    assert want.least <= want.most


@pytest.mark.parametrize(
    ("pages", "outcome", "words"),
    [
        ("76800", "fail", "76801 are needed for 150 GiB of SGA"),
        ("76801", "ok", "for 150 GiB of SGA"),
        ("80642", "ok", ""),
        ("80643", "warn", "7.504 GiB are wasted"),
    ],
)
def test_too_small_and_too_large_a_pool(pages, outcome, words):
    seen = facts(
        live=("nr_hugepages:76827", f"nr_hugepages:{pages}"), files=("nr_hugepages=76827", f"nr_hugepages={pages}")
    )
    got = said(seen, "vm.nr_hugepages")
    assert (got[0], words in got[1]) == (outcome, True)


def test_without_declared_sgas_nothing_is_called_right():
    none = TuningDeclared("oradb01")
    assert said(facts(), "vm.nr_hugepages", none)[0] == "unknown"
    assert said(facts(), "HugePages in use", none)[0] == "unknown"
    assert said(facts(), "idle HugePages", none)[0] == "ok"


def test_a_pool_that_is_there_and_not_used_is_a_failure():
    outcome, words = said(facts("sga_not_in_huge_pages"), "HugePages in use")
    assert (outcome, words.startswith("The SGA is not in huge pages and 150.1 GiB are wasted")) == ("fail", True)
    no_pool = facts(
        memory=("HugePages_Total:   76827\nHugePages_Free:       26", "HugePages_Total: 0\nHugePages_Free: 0")
    )
    assert "wasted" not in said(no_pool, "HugePages in use")[1]
    assert said(no_pool, "HugePages_Total")[0] == "fail"


def test_a_part_of_the_sga_in_small_pages_is_a_failure():
    outcome, words = said(facts(memory=("HugePages_Free:       26", "HugePages_Free:       9000")), "HugePages in use")
    assert (outcome, "need 76800: a part is in 4k pages" in words) == ("fail", True)
    promised = facts(
        memory=("Free:       26\nHugePages_Rsvd:        0", "Free:       9000\nHugePages_Rsvd:        8990")
    )
    assert said(promised, "HugePages in use")[0] == "ok"


def test_fragmentation_surplus_waste_and_page_tables():
    assert said(facts(memory=("Total:   76827", "Total:   70000")), "HugePages_Total")[0] == "fail"
    assert said(facts(memory=("Surp:        0", "Surp:        8")), "HugePages_Surp")[0] == "warn"
    idle = facts(memory=("Total:   76827\nHugePages_Free:       26", "Total:   86827\nHugePages_Free:       9999"))
    assert said(idle, "idle HugePages")[0] == "warn"
    assert said(facts("sga_not_in_huge_pages"), "PageTables")[0] == "warn"
    assert said(facts(memory=("PageTables:       412000 kB\n", "")), "PageTables")[0] == "unknown"


def test_what_is_not_known_of_the_pool_is_unknown():
    assert said(facts(memory=("Hugepagesize:       2048 kB\n", "")), "HugePages")[0] == "unknown"
    blind = replace(facts(), sysctl={})
    assert said(blind, "HugePages_Total")[0] == "unknown"
    assert said(blind, "vm.nr_hugepages")[0] == "ok", "the pool itself tells"
    down = parse(outputs(processes="\n"))
    assert said(down, "HugePages in use") == ("unknown", "HugePages in use is not known: no instance runs.")
    late = parse(outputs() | {"processes": Output(b"", b"", 124)})
    assert said(late, "HugePages in use")[1].endswith("pmon was not looked for.")


def test_a_pool_of_the_command_line_lasts():
    seen = facts(files=("vm/nr_hugepages=76827", "# none"), memory=("crashkernel=auto", "hugepages=76827"))
    assert row(seen, "vm.nr_hugepages").persistent == "hugepages=76827 (/proc/cmdline)"
    wrong = facts(files=("vm/nr_hugepages=76827", "# none"), memory=("crashkernel=auto", "hugepages=7"))
    assert said(wrong, "vm.nr_hugepages")[0] == "warn"


# --- kernel


def test_right_now_and_lost_at_the_next_boot_is_a_warning_of_its_own():
    seen = facts(files=("fs.aio-max-nr = 1048576", "# none"), live=("active_profile:oracle", "active_profile:site"))
    assert said(seen, "fs.aio-max-nr") == (
        "warn",
        "fs.aio-max-nr is 1048576, which is right, but no file sets it: it is lost at the next boot.",
    )
    wrong = facts(files=("fs.aio-max-nr = 1048576", "fs.aio-max-nr = 65536"))
    assert "sets 65536 at the next boot" in said(wrong, "fs.aio-max-nr")[1]
    by_tuned = facts(files=("fs.aio-max-nr = 1048576", "# none"))
    assert (row(by_tuned, "fs.aio-max-nr").outcome, row(by_tuned, "fs.aio-max-nr").persistent) == ("ok", "tuned oracle")
    own = facts(files=("kernel.shmmni = 4096", "# none"), live=("active_profile:oracle", "active_profile:site"))
    assert said(own, "kernel.shmmni")[0] == "ok"
    late = parse(outputs() | {"files": Output(b"", b"", 124)})
    assert said(late, "fs.aio-max-nr")[0] == "ok"


def test_files_count_as_at_a_boot():
    found = {one.parameter: (one.value, one.file.rpartition("/")[2]) for one in facts().persistent}
    assert found["kernel.sem"] == ("250 32000 100 128", "99-oracle-database-preinstall-19c-sysctl.conf")
    assert found["net.ipv4.conf.all.rp_filter"][0] == "2", "the later name wins"
    assert found["net.ipv4.conf.default.rp_filter"][0] == "2"
    assert found["vm.nr_hugepages"] == ("76827", "97-hugepages.conf")
    last = reading.sysctl_files("/etc/sysctl.conf:a.b = 1\n/etc/sysctl.d/zz.conf:a.b = 2\n/opt/x.conf:c.d = 3\n")
    assert [(one.parameter, one.value) for one in last] == [("c.d", "3"), ("a.b", "1")]


def test_limits_files_are_read_in_their_order():
    found = {one.parameter: one.value for one in facts().limits_files}
    assert found == {
        "oracle soft memlock": "134217728",
        "oracle hard memlock": "134217728",
        "oracle soft nofile": "1024",
    }


@pytest.mark.parametrize(
    ("kind", "wanted", "fields", "holds"),
    [
        ("least", (250, 128), (250, 200), True),
        ("least", (250, 128), (250, 100), False),
        ("least", (250, 128), (250,), False),
        ("most", (3,), (3,), True),
        ("most", (3,), (4,), False),
        ("equal", (1,), (1,), True),
        ("equal", (1,), (0,), False),
        ("one_of", (0, 2), (2,), True),
        ("one_of", (0, 2), (1,), False),
        ("span", (9000, 65499), (1024, 65535), True),
        ("span", (9000, 65499), (9001, 65535), False),
        ("span", (9000, 65499), (9000, 61000), False),
    ],
)
def test_kinds_of_rules(kind, wanted, fields, holds):
    assert Rule("a.b", kind, wanted, "warn", "P", "why").holds(fields) is holds


def test_rules_say_what_they_want():
    words = {rule.parameter: rule.expected for rule in RULES}
    assert words["kernel.sem"] == "250 32000 100 128 or more"
    assert words["net.ipv4.ip_local_port_range"] == "9000 or lower, 65499 or higher"
    assert words["net.ipv4.conf.all.rp_filter"] == "0 or 2"
    assert words["vm.swappiness"] == "1 to 10"
    assert words["kernel.panic_on_oops"] == "1"
    assert words["vm.dirty_ratio"] == "40 or less"


def test_information_never_counts_as_a_fault():
    seen = facts(live=("vm/dirty_ratio:40", "vm/dirty_ratio:60"))
    assert said(seen, "vm.dirty_ratio")[0] == "ok"
    assert "40 or less is wanted" in said(seen, "vm.dirty_ratio")[1]


def test_shared_memory_must_hold_the_sgas():
    tiny = TuningDeclared("oradb01", (Instance("A", 10 * 2**40), Instance("B", 2**40)))
    assert said(facts(), "kernel.shmmax", tiny)[1].endswith("the largest SGA needs 10995116277760: raise it.")
    assert said(facts(), "kernel.shmall", tiny)[0] == "fail"
    low = facts(live=("shmmax:4398046511104", "shmmax:68719476736"))
    assert "half of the memory needs" in said(low, "kernel.shmmax", TuningDeclared("oradb01"))[1]
    kernels_own = facts(
        live=("shmmax:4398046511104", "shmmax:18446744073692774399"), files=("kernel.shmmax", "# kernel.shmmax")
    )
    assert said(kernels_own, "kernel.shmmax")[0] == "ok"
    assert said(facts(live=("/proc/sys/kernel/shmall:1073741824\n", "")), "kernel.shmall")[0] == "unknown"


def test_requests_in_use():
    assert said(facts(live=("aio-nr:116736", "aio-nr:1000000")), "aio in use")[0] == "fail"
    assert said(facts(live=("/proc/sys/fs/aio-nr:116736\n", "")), "aio in use")[0] == "unknown"


def test_the_group_matters_only_where_memlock_does_not_suffice():
    low = facts(
        processes=("unlimited            unlimited            bytes", "67108864             67108864             bytes")
    )
    assert said(low, "vm.hugetlb_shm_group")[0] == "warn"
    assert said(replace(low, sysctl={**low.sysctl, "vm.hugetlb_shm_group": "54322"}), "vm.hugetlb_shm_group") == (
        "ok",
        "vm.hugetlb_shm_group is 54322.",
    )
    assert said(facts(), "vm.hugetlb_shm_group")[1] == "vm.hugetlb_shm_group is 0, and memlock suffices."
    assert said(replace(facts(), sysctl={}), "vm.hugetlb_shm_group")[0] == "unknown"
    assert said(parse(outputs(processes="")), "vm.hugetlb_shm_group")[0] == "unknown"
    assert said(parse(outputs(memory="root=/dev/sda1\n")), "vm.hugetlb_shm_group")[0] == "unknown"


# --- the rest


def test_transparent_huge_pages():
    assert said(facts(live=("madvise [never]", "[madvise] never")), "THP enabled")[0] == "fail"
    assert said(facts(live=("/sys/kernel/mm/transparent_hugepage/enabled:", "/x:")), "THP enabled")[0] == "unknown"
    old = facts(live=("/sys/kernel/mm/transparent_hugepage/", "/sys/kernel/mm/redhat_transparent_hugepage/"))
    assert (old.thp, old.thp_defrag) == ("never", "madvise")
    boot = facts(memory=("transparent_hugepage=never", "quiet"), live=("active_profile:oracle", "active_profile:site"))
    assert said(boot, "THP on the command line")[0] == "warn"
    assert said(facts(memory=("transparent_hugepage=never", "quiet")), "THP on the command line")[0] == "ok"
    assert said(replace(facts(), cmdline=""), "THP on the command line")[0] == "unknown"


def test_limits_of_the_running_instance_count_and_not_the_file():
    low = facts(
        processes=("unlimited            unlimited            bytes", "137438953472         137438953472         bytes")
    )
    outcome, words = said(low, "limit memlock")
    assert outcome == "fail"
    assert words == "Instance +ASM may lock 137438953472 bytes, huge pages are 161117896704: raise memlock, restart it."
    assert "oracle soft memlock 134217728" in row(facts(), "limit memlock").persistent
    files = facts(processes=("1024                 65536", "1024                 4096 "))
    assert said(files, "limit nofile")[0] == "warn"
    unlimited = facts(processes=("10485760             33554432 ", "unlimited            unlimited"))
    assert said(unlimited, "limit stack") == (
        "ok",
        "limit stack of 2 running instances is enough (soft unlimited, hard unlimited).",
    )
    assert unlimited.processes[0].limits[1].soft == UNLIMITED
    assert said(parse(outputs(processes="")), "limit nproc")[0] == "unknown"


def test_storage():
    amm = facts("thp_and_limits")
    assert said(amm, "AMM")[0] == "fail"
    assert said(amm, "I/O scheduler")[1].startswith("sdb uses bfq (1 disks do)")
    assert said(amm, "ASM disks")[0] == "fail"
    other = TuningDeclared("oradb01", SGAS.instances, asm_owner="root", asm_group="disk")
    assert said(amm, "ASM disks", other)[0] == "ok"
    assert said(replace(facts(), asm_disks=()), "ASM disks")[0] == "unknown"
    assert said(replace(facts(), schedulers=()), "I/O scheduler")[0] == "unknown"
    assert reading.asm_disks("asm /dev/a grid asmadmin 660\nasm /dev/a grid asmadmin 660\n") == (
        AsmDisk("/dev/a", "grid", "asmadmin", "660"),
    )
    assert [(one.device, one.name) for one in facts().schedulers] == [
        ("sda", "none"),
        ("sdb", "mq-deadline"),
        ("vda", "none"),
    ]


def test_a_sites_own_profile_that_includes_oracles_is_as_good():
    lines = (
        "/etc/tuned/bank/tuned.conf:include=oracle\n"
        "/usr/lib/tuned/bank/tuned.conf:include=balanced\n"
        "/usr/lib/tuned/oracle/tuned.conf:include = throughput-performance, bank\n"
        "/usr/lib/tuned/oracle/tuned.conf:noise\n"
    )
    seen = facts(live=("/etc/tuned/active_profile:oracle\n", f"/etc/tuned/active_profile:bank\n{lines}"))
    assert seen.profile == "bank, oracle, throughput-performance"
    assert said(seen, "tuned") == ("ok", "tuned runs bank, oracle, throughput-performance.")


def test_tuned_clock_and_swap():
    assert said(facts("thp_and_limits"), "tuned")[1].startswith("tuned runs virtual-guest: it sets none")
    none = facts(live=("/etc/tuned/active_profile:oracle\n", ""))
    assert said(none, "tuned")[1].startswith("tuned has no active profile")
    assert said(facts("thp_and_limits"), "clocksource") == ("ok", "The clock is hpet, kvm-clock or tsc is usual.")
    assert said(replace(facts(), clocksource=""), "clocksource")[0] == "unknown"
    assert said(facts(memory=("SwapTotal:      16777212", "SwapTotal:      0")), "swap")[0] == "warn"
    assert said(facts("thp_and_limits"), "swap")[1].startswith("93 % of 16 GiB swap are used")
    assert said(parse(outputs(memory="")), "swap")[0] == "unknown"


def test_findings_name_the_worst_two_and_count_the_rest():
    found = {one.check: one.sentence for one in findings(table(facts("kernel_low"), SGAS), "oradb01")}
    assert found["tuning_kernel"].startswith(
        "oradb01: kernel.sem is 250 32000 32 128, 250 32000 100 128 or more is wanted"
    )
    assert found["tuning_kernel"].endswith("And 1 more of that kind.")
    assert found["tuning_system"] == "2 settings of system on oradb01 are as wanted."


def test_drift_is_what_somebody_changed_and_not_what_moves():
    approved = approved_values(table(facts(), SGAS))
    assert drift(approved, table(facts(), SGAS)) == ()
    moved = facts(
        memory=("PageTables:       412000", "PageTables:       413000"), live=("vm/swappiness:10", "vm/swappiness:60")
    )
    (one,) = drift(approved, table(moved, SGAS))
    assert one.sentence == "vm.swappiness is 60 and was 10 when it was approved."
    blind = drift(approved, table(replace(facts(), sysctl={}), SGAS))
    assert all(one.parameter != "vm.swappiness" for one in blind)
    del approved["vm.swappiness"]
    assert drift(approved, table(facts(), SGAS))[0].was == ""


def test_noise_is_passed_over():
    assert reading.sysctls("noise\n/proc/sys/a/b:1\n/proc/sys/a/b:2\n") == {"a.b": "1"}
    assert reading.bracketed("never") == ""
    assert (
        reading.processes("12 ora_pmon_X\n/proc/12/limits:Max open files            what  9  files\n")[0].limits == ()
    )
    assert reading.value_of("noise", "/a") == ""


def test_no_command_needs_root_or_can_change_anything():
    assert not any(command.root for command in COMMANDS.values())
    assert all(">" not in " ".join(command.argv).replace("2>/dev/null", "") for command in COMMANDS.values())


def test_queues_of_asm_disks_are_told_and_never_a_fault():
    known = row(facts(), "queues of ASM disks")
    assert (known.severity, known.running) == ("info", ""), "the sample tells no queue"
    asm = (AsmDisk("/dev/asm-a", "grid", "asmadmin", "660", "8:16"), AsmDisk("/dev/asm-b", "g", "a", "660", "8:32"))
    disks = (GuestDisk("sdb", ("8:16",), queue="rotational 0"), GuestDisk("sdc", ("8:32",), queue="rotational 0"))
    one = row(replace(facts(), asm_disks=asm, disks=disks), "queues of ASM disks")
    assert (one.outcome.value, one.sentence) == ("ok", "2 ASM disks have rotational 0.")
    other = row(
        replace(facts(), asm_disks=asm, disks=(disks[0], replace(disks[1], queue="rotational 1"))),
        "queues of ASM disks",
    )
    assert other.sentence == "The 2 ASM disks have 2 kinds of queues: rotational 0; rotational 1."
