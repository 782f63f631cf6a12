"""Before the demo's processes start: the tables, the static files and the accounts that the login page takes."""

from __future__ import annotations

import io

import django
from django.core.management import call_command


def main() -> None:
    """One start of Django for all three. Run again, it changes only what differs."""
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    call_command("seed_people", demo=True, stdout=io.StringIO())


if __name__ == "__main__":
    main()
