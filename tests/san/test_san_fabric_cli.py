"""A look at a switch over SSH, against a real sshd whose only command is a stand-in for Fabric OS's shell."""

from __future__ import annotations

import shutil
import stat

import pytest

from portal.connectors.san import fabric_cli
from portal.connectors.san.errors import Busy, Garbled, Unreachable
from portal.connectors.san.fabric_cli import COMMANDS, FabricCli
from portal.connectors.san.gate import process_turn
from portal.connectors.san.reading.crosscheck import differences
from portal.connectors.ssh_address import KeyChanged, LoginRefused, NotPinned
from portal.kernel.secret import Secret
from tests.fixtures_san_devices import SAN, raw
from tests.fixtures_sshd import make_sshd, user_key
from tests.san.rest_seen import rest_seen

__all__ = ["user_key"]
pytestmark = pytest.mark.wire

SHELL = """#!/bin/sh
echo "$SSH_ORIGINAL_COMMAND" >> "{folder}/asked"
file="{folder}/said/$(echo "$SSH_ORIGINAL_COMMAND" | tr ' "' '__')"
[ -e "$file.sh" ] && exec sh "$file.sh"
[ -e "$file" ] && exec cat "$file"
echo "rbash: $SSH_ORIGINAL_COMMAND: command not found"
"""
SAID = {
    "switchshow": "switchshow_A",
    "cfgshow": "cfgshow_A",
    "cfgtransshow": "cfgtransshow_none",
    "nsshow_-t": "nsshow-t_A",
    "nscamshow_-t": "nscamshow_empty",
    "islshow": "islshow_none",
    "trunkshow": "trunkshow_none",
    "porterrshow": "porterrshow_A",
    "errdump": "errdump",
}
FABRIC = b"""Switch ID   Worldwide Name
  1: fffc01 10:00:c4:f5:7c:01:a0:00 192.0.2.11 0.0.0.0 >"SWA1"

The Fabric has 1 switch
"""


class Switch:
    """The stand-in; what it says to a command is a file, or a script beside it."""

    def __init__(self, folder, server):
        self.folder, self.server = folder, server

    def reset(self):
        shutil.rmtree(self.folder / "said", ignore_errors=True)
        (self.folder / "said").mkdir()
        (self.folder / "asked").write_text("")
        for name, sample in SAID.items():
            self.say(name, raw(f"brocade-cli/{sample}.txt"))
        self.say("fabricshow", FABRIC)
        self.say("version", b"Kernel:     2.6.34\nFabric OS:  v8.2.3c1\n")
        for port in (0, 1, 4, 5, 6, 7):
            self.say(f"portstatsshow_{port}", b"stat_frx 2000000000 Frames received\ner_crc 3 x\n")

    def say(self, command, content):
        (self.folder / "said" / command).write_bytes(content)

    def run(self, command, script):
        (self.folder / "said" / f"{command}.sh").write_text(script)

    def asked(self):
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture(scope="module")
def stand(tmp_path_factory, user_key):
    folder = tmp_path_factory.mktemp("switch")
    shell = folder / "shell"
    shell.write_text(SHELL.format(folder=folder))
    shell.chmod(shell.stat().st_mode | stat.S_IXUSR)
    server = make_sshd(folder / "sshd", user_key[1], extra=f"ForceCommand {shell}")
    yield Switch(folder, server)
    server.stop()


@pytest.fixture
def switch(stand):
    stand.reset()
    return stand


def reader(switch, user_key, **changes):
    return FabricCli(switch.server.address(name="SWA1"), user_key[0], **changes)


def test_a_look_delivers_the_samples(switch, user_key):
    seen = reader(switch, user_key).look()
    assert seen.unread == {
        "sfps": "The optics of SWA1 cannot be read: it says: rbash: sfpshow -all: command not found."
    }
    rest = rest_seen("A")
    assert differences(rest, seen) == ()
    assert (seen.source, seen.firmware, seen.wwn) == ("ssh", "v8.2.3c1", rest.wwn)
    assert seen.zoning.transaction is False
    assert [member.name for member in seen.members] == ["SWA1"]
    assert seen.counters[0]["in-frames"] == 2_000_000_000
    assert seen.counters[0]["class-3-discards"] == 6
    assert seen.log[-1][1] == "ZONE-1062"


def test_only_commands_that_show_are_sent(switch, user_key):
    reader(switch, user_key).look()
    assert set(switch.asked()) == {*COMMANDS, *(f"portstatsshow {port}" for port in (0, 1, 4, 5, 6, 7))}
    assert all("show" in command or command in ("errdump", "version") for command in COMMANDS)


@pytest.mark.parametrize(
    "command", ["cfgsave", "portstatsshow 1; reboot", "switchshow ", "portstatsshow", "portstatsshow x"]
)
def test_any_other_command_is_a_defect(switch, user_key, command):
    shell = fabric_cli._Shell(switch.server.address(), lambda: user_key[0], -1, 1e12)
    with pytest.raises(ValueError, match="only show"):
        shell.lines(command)
    assert switch.asked() == []


def test_tabs_as_blanks_and_a_banner_make_no_difference(switch, user_key):
    before = reader(switch, user_key, port_counters=False).look()
    banner = b'----------\n"cfgshow" on FID 128:\n----------\n'
    switch.say("cfgshow", banner + (SAN / "brocade-cli" / "cfgshow_A_tabs-expanded.txt").read_bytes())
    assert reader(switch, user_key, port_counters=False).look().zoning == before.zoning


def test_virtual_fabrics_go_through_fosexec(switch, user_key):
    switch.say("fosexec_--fid_20_-cmd__switchshow_", raw("brocade-cli/switchshow_A.txt"))
    seen = reader(switch, user_key, vf_id=20, port_counters=False).look()
    assert seen.wwn == "1000c4f57c01a000"
    assert 'fosexec --fid 20 -cmd "nsshow -t"' in switch.asked()


def test_what_a_command_says_wrong_stays_with_its_part(switch, user_key):
    switch.say("nsshow_-t", b"You do not have permission to execute this command.\n")
    switch.run("cfgtransshow", "echo 'Invalid command' >&2; exit 1")
    switch.say(
        "switchshow",
        raw("brocade-cli/switchshow_A.txt").replace(b"switchDomain:   1", b"switchDomain: 1 (unconfirmed)"),
    )
    seen = reader(switch, user_key, port_counters=False).look()
    assert set(seen.unread) == {"logins", "transaction", "domain", "sfps"}
    assert "do not have permission" in seen.unread["logins"]
    assert seen.zoning.transaction is None
    assert "fabric is being built" in seen.unread["domain"]
    assert len(seen.ports) == 24


def test_a_command_that_hangs_is_cut_and_the_others_go_on(switch, user_key, monkeypatch):
    monkeypatch.setattr(fabric_cli, "COMMAND_SECONDS", 6.0)
    switch.run("islshow", "exec sleep 30")
    seen = reader(switch, user_key, port_counters=False).look()
    assert "islshow did not end within 6 s" in seen.unread["links"]
    assert seen.firmware == "v8.2.3c1"


def test_an_output_without_end_is_cut(switch, user_key, monkeypatch):
    monkeypatch.setattr(fabric_cli, "LARGEST_OUTPUT", 200_000)
    switch.run("errdump", "exec yes 2026/11/22-09:12:40")
    seen = reader(switch, user_key, port_counters=False).look()
    assert "more than 200000 bytes" in seen.unread["log"]
    assert "sfps" in seen.unread


def test_a_switch_that_drops_every_connection_is_left(switch, user_key):
    switch.run("cfgshow", "kill -9 $PPID")
    seen = reader(switch, user_key, port_counters=False).look()
    assert "was lost at cfgshow" in seen.unread["zoning"]
    assert seen.unread["logins"] == seen.unread["zoning"]
    assert len(seen.ports) == 24


def test_the_time_of_a_look_ends(switch, user_key):
    with pytest.raises(Unreachable, match="was over before switchshow"):
        reader(switch, user_key, look_seconds=0.0).look()
    assert switch.asked() == []


def test_without_switchshow_there_is_no_look(switch, user_key):
    switch.say("switchshow", b"You do not have permission\n")
    with pytest.raises(Garbled, match="The ports of SWA1 cannot be read"):
        reader(switch, user_key).look()
    assert switch.asked() == ["switchshow"]


def test_logins_that_fail(switch, user_key):
    from portal.connectors.ssh import new_key

    with pytest.raises(LoginRefused):
        FabricCli(switch.server.address(name="SWA1"), new_key()[0]).look()
    with pytest.raises(NotPinned):
        FabricCli(switch.server.address(name="SWA1", host_key=""), user_key[0]).look()
    with pytest.raises(KeyChanged):
        FabricCli(switch.server.address(name="SWA1", host_key=new_key()[1]), user_key[0]).look()
    with pytest.raises(Garbled, match="has no key for SWA1"):
        FabricCli(switch.server.address(name="SWA1"), Secret("nothing")).look()
    assert switch.asked() == []


def test_one_look_at_a_time(switch, user_key):
    with process_turn(switch.server.host) as mine:
        assert mine
        with pytest.raises(Busy, match="Another look at SWA1"):
            reader(switch, user_key).look()


def test_too_many_connections(switch, user_key, monkeypatch):
    monkeypatch.setattr(fabric_cli, "MOST_CONNECTIONS", 1)
    switch.run("cfgshow", "kill -9 $PPID")
    seen = reader(switch, user_key, port_counters=False).look()
    assert "was lost 1 times in one look" in seen.unread["zoning"]
