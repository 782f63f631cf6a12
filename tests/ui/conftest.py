"""A person for each role, and a client that is logged in."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from portal.access.services.people import add_person
from portal.kernel.secret import Secret

PASSWORD = Secret("correct horse battery")


@pytest.fixture
def person(db):
    """Makes a person in a role."""

    def make(role: str = "operator") -> User:
        found = User.objects.filter(username=f"{role}1").first()
        return found or add_person(f"{role}1", role, PASSWORD, by="test", demo=True)

    return make


@pytest.fixture
def reader(person):
    """A client of an operator."""
    client = Client()
    client.force_login(person("operator"))
    return client
