"""Writes docs/san-lint.md anew: `python -m tests.redundancy.lint_page`."""

from __future__ import annotations

from pathlib import Path

from inventory.redundancy.lint.document import document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "san-lint.md"

if __name__ == "__main__":
    PAGE.write_text(document(), "utf-8")
