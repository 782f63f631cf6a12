"""docs/san-lint.md, made from the table of rules."""

from __future__ import annotations

from inventory.redundancy.lint import RULES


def document() -> str:
    """The page as text."""
    lines = [
        "# Rules of zoning, cabling and mapping",
        "",
        "Made from `inventory/redundancy/lint/`; a test holds it to the code. Source of the rules: docs/adr/0025.",
        "A rule says nothing about what was not read; `UNREAD` names that.",
        "",
        "| rule | what is wrong | severity | looks at |",
        "|---|---|---|---|",
    ]
    for rule in sorted(RULES, key=lambda one: one.ident):
        about = " ".join((rule.find.__doc__ or "").split())
        lines.append(f"| `{rule.ident}` | {rule.title} | {rule.severity} | {about} |")
    return "\n".join(lines) + "\n"
