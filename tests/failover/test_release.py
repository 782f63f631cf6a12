"""The dead-man's release as a real shell runs it: with systemd-run, without, disarmed, repeated, and looking first."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from failover.catalog import release
from portal.kernel.command import Command
from portal.kernel.output import Output

UNIT = release.unit("6f1d6b1e-0000-4000-8000-00000000f457")
# a pair's flag is a file; a set-maintenance is lost as often as `lost` says
HOSTED_ENGINE = """#!/bin/sh
echo "$*" >>ledger
case $* in
*--vm-status*) f=false; [ -e global ] && f=true; echo "{\\"global_maintenance\\": $f}" ;;
*--mode=none*) n=$(cat lost 2>/dev/null || echo 0)
if [ "$n" -gt 0 ]; then echo $((n - 1)) >lost; else rm -f global; echo local_maintenance=False >ha.conf; fi ;;
esac
"""
# timers are files; systemd-run itself starts nothing
SYSTEMCTL = """#!/bin/sh
case $1 in
is-active) [ -e "units/$3" ] ;;
stop) rm "units/$2" ;;
esac
"""
SYSTEMD_RUN = """#!/bin/sh
mkdir -p units
name=${1#--unit=}
shift 4
printf '%s\\n' "$@" >"units/$name.timer"
"""


class Machine:
    """A folder with programs of its own in front of the machine's."""

    def __init__(self, home: Path, **programs: str) -> None:
        self.home = home
        (home / "bin").mkdir()
        (home / "ha.conf").write_text("local_maintenance=False\n")
        for name, text in programs.items():
            path = home / "bin" / name.replace("_", "-")
            path.write_text(text)
            path.chmod(0o755)

    def run(self, command: Command) -> Output:
        argv = [word.replace(release.HA_CONF, str(self.home / "ha.conf")) for word in command.argv]
        env = {**os.environ, "PATH": f"{self.home / 'bin'}:/usr/bin:/bin"}
        done = subprocess.run(argv, cwd=self.home, env=env, capture_output=True, timeout=20, check=False)
        return Output(done.stdout, done.stderr, done.returncode)

    def ledger(self) -> list[str]:
        path = self.home / "ledger"
        return path.read_text().splitlines() if path.exists() else []

    def sets(self) -> int:
        return sum("--mode=none" in line for line in self.ledger())

    @property
    def armed(self) -> bool | None:
        return release.armed(self.run(release.state(UNIT)))

    def wait(self, true) -> None:
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture
def bare(tmp_path_factory):
    """No systemd: both programs fail as where there is none."""
    absent = "#!/bin/sh\nexit 127\n"
    made = Machine(tmp_path_factory.mktemp("bare"), hosted_engine=HOSTED_ENGINE, systemctl=absent, systemd_run=absent)
    yield made
    made.run(release.disarm(UNIT))


@pytest.fixture
def whole(tmp_path):
    return Machine(tmp_path, hosted_engine=HOSTED_ENGINE, systemctl=SYSTEMCTL, systemd_run=SYSTEMD_RUN)


def test_without_systemd_it_waits_detached_and_ends_the_maintenance(bare):
    (bare.home / "global").touch()
    assert bare.armed is False
    assert bare.run(release.arm(UNIT, 1, "global", 1)).exit_code == 0
    assert bare.armed is True
    bare.wait(lambda: not (bare.home / "global").exists())
    bare.wait(lambda: bare.armed is False)
    assert bare.sets() == 1


def test_a_detached_one_is_disarmed_and_does_nothing(bare):
    (bare.home / "global").touch()
    bare.run(release.arm(UNIT, 2, "global", 1))
    assert bare.run(release.disarm(UNIT)).exit_code == 0
    assert bare.armed is False
    time.sleep(2.3)
    assert ((bare.home / "global").exists(), bare.ledger()) == (True, [])
    assert not list(bare.home.glob(".holdfast-release*"))


def test_with_systemd_it_is_a_timer_armed_once(whole):
    assert whole.run(release.arm(UNIT, 4200, "local", 20)).exit_code == 0
    (timer,) = (whole.home / "units").iterdir()
    words = timer.read_text().splitlines()
    assert (timer.name, words[:2]) == (f"{UNIT}.timer", ["/bin/sh", "-c"])
    assert words[-5:] == [UNIT, "local", "20", "20", "look"]
    timer.write_text("kept")
    assert whole.run(release.arm(UNIT, 4200, "local", 20)).exit_code == 0
    assert (timer.read_text(), whole.armed) == ("kept", True)
    assert whole.run(release.disarm(UNIT)).exit_code == 0
    assert (whole.armed, timer.exists()) == (False, False)
    assert whole.run(release.disarm(UNIT)).exit_code == 0


def test_a_newer_one_goes_only_while_the_one_before_it_is_armed(whole, bare):
    newer = release.unit("6f1d6b1e-0000-4000-8000-00000000f458")
    for machine in (whole, bare):
        for name in (UNIT, newer):
            machine.run(release.arm(name, 4200, "local", 20))
        assert machine.run(release.back(newer, UNIT)).exit_code == 0
        machine.wait(lambda machine=machine: release.armed(machine.run(release.state(newer))) is False)
        assert release.armed(machine.run(release.state(UNIT))) is True
        machine.run(release.arm(newer, 4200, "local", 20))
        machine.run(release.disarm(UNIT))
        kept = machine.run(release.back(newer, UNIT))
        assert (kept.exit_code, kept.error_line()) == (4, "the release before it is gone, so this one stays armed")
        assert release.armed(machine.run(release.state(newer))) is True
        machine.run(release.disarm(newer))
        assert machine.run(release.back(newer, UNIT)).exit_code == 0


def test_what_is_not_set_is_not_ended(whole):
    for scope in ("global", "local"):
        command = release.arm(UNIT, 1, scope, 1)
        what = Command(command.argv[6:])
        assert whole.run(what).exit_code == 0
    assert whole.sets() == 0


def test_a_lost_write_is_repeated_until_it_is_seen(whole):
    (whole.home / "global").touch()
    (whole.home / "lost").write_text("2\n")
    assert whole.run(release.end("global", 0)).exit_code == 0
    assert whole.sets() == 3


def test_an_end_that_does_not_come_is_said(whole):
    (whole.home / "ha.conf").write_text("local_maintenance=True\nlocal_maintenance_manual=True\n")
    (whole.home / "lost").write_text("99\n")
    ended = whole.run(release.end("local", 0))
    assert (ended.exit_code, ended.error_line()) == (1, "maintenance is still set after 4 tries")


def test_flags_that_cannot_be_read_are_not_taken_for_clear(whole):
    (whole.home / "ha.conf").unlink()
    assert whole.run(release.end("local", 0)).exit_code == 0
    assert whole.sets() == 1


def test_systemd_expands_nothing_in_it():
    """A service manager replaces ${...} and $$ in the words that it is given."""
    assert "${" not in release.END
    assert "$$" not in release.END


def test_names_of_releases_are_checked():
    assert (release.problem(""), release.problem(UNIT)) == ("", "")
    assert "does not name a release" in release.problem("holdfast-release-$(reboot)")
    assert release.armed(Output(b"timer\nx\n", b"", 0)) is None
    assert release.armed(Output(b"timer\n", b"", None)) is None
