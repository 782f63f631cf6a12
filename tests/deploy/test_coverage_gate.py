"""The coverage gate: which rooms are below their goal, and its exit code."""

from __future__ import annotations

import json

import pytest

from deploy import coverage_gate


def report(folder, **lines: tuple[int, int]):
    """A coverage report of files NAME -> (statements, covered)."""
    files = {
        name: {"summary": {"num_statements": total, "covered_lines": hit, "percent_covered": 100 * hit / total}}
        for name, (total, hit) in lines.items()
    }
    path = folder / "coverage.json"
    path.write_text(json.dumps({"files": files}), "utf-8")
    return path


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
    assert coverage_gate.main(report(tmp_path, **{name: (100, hit)})) == code
    said = capsys.readouterr().out
    assert (name in said) is bool(code)


def test_a_room_is_judged_as_a_whole(tmp_path, capsys):
    files = {"inventory/views/one.py": (10, 5), "inventory/views/two.py": (190, 189)}
    assert coverage_gate.main(report(tmp_path, **files)) == 0
    assert capsys.readouterr().out == "coverage holds\n"
