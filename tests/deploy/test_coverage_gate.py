"""The coverage gate: which rooms are below their goal, what they miss, and its exit code."""

from __future__ import annotations

import json

import pytest

from deploy import coverage_gate


def written(folder, name="gw0", **files: tuple[int, int]):
    """What one process wrote of files NAME -> (lines, covered from the first on); no branches."""
    found = {}
    for path, (total, hit) in files.items():
        summary = {"covered_lines": hit, "missing_lines": total - hit, "covered_branches": 0, "missing_branches": 0}
        found[path] = {
            "executed_lines": list(range(1, hit + 1)),
            "missing_lines": list(range(hit + 1, total + 1)),
            "executed_branches": [],
            "missing_branches": [],
            "summary": summary | {"percent_covered": 100 * hit / total},
        }
    meta = {"software": "slipcover", "branch_coverage": True, "show_contexts": False}
    (folder / f"{name}.json").write_text(json.dumps({"meta": meta, "files": found, "summary": {}}), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "hit", "code"),
    [
        ("portal/kernel/clock.py", 100, 0),
        ("portal/kernel/clock.py", 99, 1),
        ("portal/runs/loop.py", 90, 0),
        ("portal/runs/loop.py", 89, 1),
        ("inventory/plans.py", 99, 1),
    ],
)
def test_goals(tmp_path, capsys, name, hit, code):
    assert coverage_gate.main(written(tmp_path, **{name: (100, hit)})) == code
    said = capsys.readouterr().out
    assert (f"{name}: {hit + 1}" in said) is bool(code)


def test_a_room_is_judged_as_a_whole(tmp_path, capsys):
    files = {"inventory/views/one.py": (10, 5), "inventory/views/two.py": (190, 189)}
    assert coverage_gate.main(written(tmp_path, **files)) == 0
    assert capsys.readouterr().out == "coverage holds\n"


def test_what_one_process_misses_another_may_reach(tmp_path, capsys):
    written(tmp_path, "gw0", **{"portal/kernel/clock.py": (100, 70)})
    written(tmp_path, "gw1", **{"portal/kernel/clock.py": (100, 99)})
    assert coverage_gate.main(tmp_path) == 1
    assert "99.0 %  portal/kernel/clock.py: 100\n" in capsys.readouterr().out
    written(tmp_path, "gw2", **{"portal/kernel/clock.py": (100, 100)})
    assert coverage_gate.main(tmp_path) == 0


def test_branches_count_as_lines_do(tmp_path, capsys):
    written(tmp_path, **{"portal/kernel/clock.py": (100, 100)})
    path = tmp_path / "gw0.json"
    found = json.loads(path.read_text("utf-8"))
    one = found["files"]["portal/kernel/clock.py"]
    one["missing_branches"] = [[7, 9], [8, 0]]
    one["summary"] |= {"missing_branches": 2, "percent_covered": 98.0}
    path.write_text(json.dumps(found), "utf-8")
    assert coverage_gate.main(tmp_path) == 1
    assert "clock.py: 7 to 9, 8 to the end" in capsys.readouterr().out


def test_nothing_measured_is_not_enough(tmp_path, capsys):
    assert coverage_gate.main(tmp_path) == 1
    assert capsys.readouterr().out.startswith("coverage was not measured")
