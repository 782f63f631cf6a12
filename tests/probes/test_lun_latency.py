"""Windows of reads: when they close, when there is no data, when counting begins anew."""

from __future__ import annotations

from dataclasses import replace

from inventory.probes import lun_latency
from inventory.probes.lun_latency import Counted, LatencyFacts, judge, numbers
from portal.kernel import facts as stored
from portal.kernel.probe import Declared

LUN, OTHER = "36a353241000000000000000000000001", "36a353241000000000000000000000002"
T = 1_795_000_000.0


def now(reads: int, ms: int, boot: str = "one", dm: str = "dm-2", wwid: str = LUN) -> LatencyFacts:
    return LatencyFacts(boot, (Counted(wwid, dm, reads, ms),))


def carry(seen, before, at):
    return lun_latency.carry(seen, stored.dump(before), at)


def after(*looks: tuple[float, LatencyFacts]) -> LatencyFacts:
    """The facts of the last look, each carried from the one before."""
    seen = looks[0][1]
    for at, one in looks[1:]:
        seen = carry(one, seen, T + at)
    return seen


def said(seen: LatencyFacts, at: float):
    return [(one.check, str(one.outcome), one.sentence) for one in judge(seen, Declared("kvm01", checked_at=T + at))]


def test_a_window_closes_with_enough_reads_and_gives_their_mean():
    seen = after((0, now(0, 0)), (60, now(1000, 500)), (120, now(1200, 591)))
    assert said(seen, 120) == [
        (
            "latency",
            "ok",
            f"Slowest: LUN {LUN} on kvm01 took 0.455 ms per read over 200 reads in 1 min (/proc/diskstats); "
            "1 of 1 LUNs had enough reads.",
        )
    ]
    assert numbers(seen) == {f"reads:{LUN}": 200.0, f"read_ms:{LUN}": 91.0}


def test_a_window_is_counted_once_only():
    seen = after((0, now(0, 0)), (60, now(0, 0)), (120, now(200, 91)), (180, now(210, 95)))
    assert numbers(seen) == {}
    assert said(seen, 180)[0][1] == "ok"


def test_too_few_reads_stay_open_until_they_are_enough():
    seen = after((0, now(0, 0)), (60, now(10, 5)), (120, now(60, 25)), (180, now(115, 49)))
    assert numbers(seen) == {f"reads:{LUN}": 105.0, f"read_ms:{LUN}": 44.0}
    assert seen.windows[0].seconds == 120.0


def test_an_hour_with_too_few_reads_is_no_data_and_never_zero():
    seen = after((0, now(0, 0)), (60, now(0, 0)), (3660, now(50, 0)))
    assert (seen.windows[0].reads, numbers(seen)) == (0, {})
    ((_, outcome, words),) = said(seen, 3660)
    assert outcome == "unknown"
    assert words == "None of 1 LUNs of kvm01 had 100 reads in an hour: no data on how long reads take."


def test_nothing_is_said_before_the_first_window():
    assert said(now(5, 5), 0) == []
    assert said(after((0, now(0, 0)), (60, now(9999, 9999))), 60) == []
    assert numbers(now(5, 5)) == {}


def test_a_window_that_is_too_short_stays_open():
    assert after((0, now(0, 0)), (60, now(0, 0)), (70, now(500, 100))).windows == ()


def test_above_the_objective_is_a_warning():
    seen = after((0, now(0, 0)), (60, now(0, 0)), (120, now(1000, 2500)))
    ((_, outcome, words),) = said(seen, 120)
    assert outcome == "warn"
    assert "took 2.5 ms per read over 1000 reads" in words
    assert "1 above the objective of 1 ms" in words


def test_old_windows_do_not_speak_for_now():
    seen = after((0, now(0, 0)), (60, now(0, 0)), (120, now(1000, 500)))
    assert said(seen, 120 + 3601)[0][1] == "unknown"


def test_a_boot_a_new_number_and_a_counter_that_fell_begin_anew():
    start = after((0, now(1000, 500)), (60, now(1000, 500)))
    for other in (now(2000, 900, boot="two"), now(2000, 900, dm="dm-9"), now(10, 900), now(2000, 1)):
        seen = carry(other, start, T + 120)
        assert (seen.windows, seen.begun[0].at) == ((), T + 120)
    back = carry(now(3000, 999), start, T - 500)
    assert (back.windows, back.begun[0].at) == ((), T - 500)


def test_a_lun_that_is_gone_takes_its_windows_along_and_a_long_name_is_not_stored():
    seen = after((0, now(0, 0)), (60, now(0, 0)), (120, now(1000, 500)))
    assert carry(now(0, 0, wwid=OTHER), seen, T + 180).windows == ()
    long = "1ATA_" + "x" * 60
    seen = after((0, now(0, 0, wwid=long)), (60, now(0, 0, wwid=long)), (120, now(1000, 500, wwid=long)))
    assert (len(seen.windows), numbers(seen)) == (1, {})


def test_the_slowest_is_named():
    fast = after((0, now(0, 0)), (60, now(0, 0)), (120, now(1000, 500)))
    both = replace(fast, windows=(*fast.windows, replace(fast.windows[0], wwid=OTHER, read_ms=900)))
    assert said(both, 120)[0][2].startswith(f"Slowest: LUN {OTHER}")
