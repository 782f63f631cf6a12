"""Reading the one word that systemctl says."""

from __future__ import annotations

from portal.kernel.output import Output, ParseError


def word(output: Output) -> str:
    """What `systemctl is-active` said; "" when that cannot be read. Its exit code is 3 for a stopped unit."""
    try:
        return output.text().strip()
    except ParseError:
        return ""
