"""A database with every table and no row, which test databases and test stacks are copies of, so that the migrations
run once and not for each. Prints its name for HOLDFAST_TEST_TEMPLATE."""

from __future__ import annotations

import os

import psycopg
from django.core.management import call_command

NAME = "holdfast_template"


def main() -> None:
    """Makes it anew, so that it never is an older one's. Needs RUN_DIR, where PostgreSQL's socket is."""
    server = os.environ["RUN_DIR"]
    with psycopg.connect(f"postgresql:///postgres?host={server}&user=holdfast", autocommit=True) as link:
        link.execute(f'drop database if exists "{NAME}" with (force)')
        link.execute(f'create database "{NAME}"')
    os.environ["HOLDFAST_DATABASE_URL"] = f"postgresql:///{NAME}?host={server}&user=holdfast"

    import django  # the settings read the address above

    django.setup()
    call_command("migrate", verbosity=0)
    print(NAME)


if __name__ == "__main__":
    main()
