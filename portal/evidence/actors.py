"""Who acts, in the evidence, when somebody works at the command line."""

from __future__ import annotations

import getpass


def shell_user() -> str:
    """ "shell:<operating system user>"."""
    try:
        return f"shell:{getpass.getuser()}"
    except (OSError, KeyError):  # a container's user without a name
        return "shell:unnamed"
