"""The house rules that no linter knows: file sizes, no stray rooms."""

from __future__ import annotations

from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PACKAGES = ("portal", "inventory", "backups", "failover", "lab", "bench", "deploy")
STRAY = {"utils.py", "helpers.py", "common.py", "misc.py", "manager.py", "handlers.py"}


def sources():
    return [path for package in PACKAGES for path in (TOP / package).rglob("*.py") if "migrations" not in path.parts]


def test_no_file_is_longer_than_400_lines():
    long = {str(p.relative_to(TOP)): n for p in sources() if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert long == {}


def test_no_stray_room():
    assert [str(p.relative_to(TOP)) for p in sources() if p.name in STRAY] == []


def test_fragments_start_with_an_underscore():
    """A template that extends nothing is a fragment, and says so by its name."""
    wrong = [
        str(path.relative_to(TOP))
        for path in (TOP / "templates").rglob("*.html")
        if not path.name.startswith("_") and path.name != "base.html" and "{% extends" not in path.read_text("utf-8")
    ]
    assert wrong == []
