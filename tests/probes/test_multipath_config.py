"""Who owns multipath.conf: vdsm looks at its first two lines alone (facts/luns-and-tuning.md 3.1)."""

from __future__ import annotations

import subprocess

import pytest

from inventory.probes.multipath_config import FILES, judge, parse
from portal.kernel.output import Output
from portal.kernel.probe import Declared


@pytest.mark.parametrize(
    ("lines", "outcome", "words"),
    [
        (["# VDSM REVISION 2.2", "", "defaults {"], "ok", "is vdsm's, revision 2.2."),
        (["# VDSM REVISION 2.2", "# VDSM PRIVATE"], "warn", "is marked VDSM PRIVATE"),
        (["# VDSM REVISION 2.2", "# RHEV PRIVATE"], "warn", "is marked VDSM PRIVATE"),
        (["# VDSM REVISION 2.2", "", "# VDSM PRIVATE"], "warn", "mark in line 3, but vdsm looks in line 2 alone"),
        (["# VDSM PRIVATE", "# VDSM REVISION 2.2"], "warn", "mark in line 1, but vdsm looks"),
        (["", "# VDSM REVISION 2.2"], "warn", "no VDSM REVISION as its first line"),
        (["# RHEV REVISION 1.1"], "warn", "is of VDSM revision 1.1"),
        (["# VDSM REVISION 2.3"], "ok", "revision 2.3."),
        (["defaults {", "}"], "warn", "no VDSM REVISION as its first line"),
    ],
)
def test_who_owns_the_file(tmp_path, lines, outcome, words):
    (tmp_path / "multipath.conf").write_text("\n".join(lines) + "\n")
    script = FILES.replace("/etc/multipath", f"{tmp_path}/multipath")
    told = subprocess.run(["sh", "-c", script], capture_output=True, check=True, timeout=10).stdout
    raw = told.replace(str(tmp_path).encode(), b"/etc")
    found = {one.check: one for one in judge(parse({"files": Output(raw, b"", 0)}), Declared("kvm01"))}
    assert (str(found["config_file"].outcome), words in found["config_file"].sentence) == (outcome, True), found
