"""Probes are found by being there."""

from __future__ import annotations

import pytest

from inventory.probes import PROBES, find


def test_every_probe_is_found_under_its_own_name():
    assert set(PROBES) == {
        "she_status",
        "ha_state",
        "engine_health",
        "multipath",
        "multipath_text",
        "multipath_config",
        "host_facts",
        "fc_ports",
        "lun_devices",
        "lun_identity",
        "lun_latency",
        "lun_read",
    }
    for name, probe in PROBES.items():
        assert probe.name == name
        assert bool(probe.commands) == (probe.target == "host")
        assert bool(probe.requests) == (probe.target == "engine")
        assert probe.every >= 2


def test_a_module_without_a_probe_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "strayprobes").mkdir()
    (tmp_path / "strayprobes" / "__init__.py").write_text("")
    (tmp_path / "strayprobes" / "one.py").write_text("PROBE = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="has no PROBE of its own name"):
        find([str(tmp_path / "strayprobes")], "strayprobes")


def test_no_probe_runs_what_can_change_a_host():
    """Reading verbs only; the whole list stands here, so that a new one is a decision (facts 1.3)."""
    asked = {command.argv[:2] for probe in PROBES.values() for command in probe.commands.values()}
    assert asked == {
        ("hosted-engine", "--vm-status"),
        ("cat", "/var/lib/ovirt-hosted-engine-ha/ha.conf"),
        ("systemctl", "is-active"),
        ("cat", "/proc/uptime"),
        ("cat", "/proc/sys/kernel/random/boot_id"),
        ("systemctl", "show"),
        ("grep", "-E"),
        ("tail", "-n"),
        ("multipathd", "show"),
        ("dmsetup", "status"),
        ("sh", "-c"),
        ("multipath", "-ll"),
        ("date", "+%s.%N"),
        ("cat", "/etc/os-release"),
        ("uname", "-r"),
        ("cat", "/proc/meminfo"),
        ("nproc",),
        ("cat", "/proc/loadavg"),
        ("df", "-P"),
        ("rpm", "-q"),
    }
