"""Hooks of pytest: the crash matrix is gathered from the processes that ran it, printed, and kept when it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.failover.matrix_table import TABLE, Cell, lines, write


def pytest_sessionfinish(session):
    """A process of several hands over what it ran."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None and TABLE.cells:
        cells = [[*key, cell.word, cell.why] for key, cell in TABLE.cells.items()]
        output["crash_matrix"] = {"cells": cells, "figures": TABLE.figures}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    given = getattr(node, "workeroutput", {}).get("crash_matrix", {"cells": [], "figures": {}})
    for plan, row, kind, word, why in given["cells"]:
        TABLE.put(plan, row, kind, Cell(word, why))
    for what, number in given["figures"].items():
        TABLE.count(what, number)


def pytest_terminal_summary(terminalreporter):
    if not TABLE.cells:
        return
    terminalreporter.section("the crash matrix")
    for line in lines(TABLE):
        terminalreporter.write_line(line)
    path = Path(__file__).resolve().parents[2] / "docs" / "crash-matrix.md"
    kept = write(TABLE, path)
    terminalreporter.write_line(f"Kept as docs/{path.name}." if kept else "Not kept: not the whole of it was run.")
