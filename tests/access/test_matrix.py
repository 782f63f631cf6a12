"""Every route of the portal is behind a named act, or stands in the short list of what is open on purpose."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from portal.access.roles import ACTS, ROLES
from portal.access.services import give_role

pytestmark = pytest.mark.django_db

# open on purpose: the way in and out, what machines ask about the portal itself, and one's own settings
OPEN = {"login", "logout", "healthz", "readyz", "metrics"}
OWN = {"preferences", "password", "tokens", "token-revoke"}


def routes(resolver=None, prefix=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from routes(pattern, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), pattern


def pages():
    return [(path, one) for path, one in routes() if not path.startswith("api/")]


def test_every_page_names_its_act():
    bare = [
        path for path, one in pages() if one.name not in OPEN | OWN and getattr(one.callback, "needs", None) not in ACTS
    ]
    assert bare == []


def test_every_resource_of_the_api_names_its_act():
    bare = []
    for path, one in routes():
        if not path.startswith("api/v1/"):
            continue
        view = getattr(one.callback, "cls", None)
        classes = getattr(one.callback, "initkwargs", {}).get("permission_classes") or getattr(
            view, "permission_classes", ()
        )
        if not any(getattr(permission, "needs", None) for permission in classes):
            bare.append(path)
    assert bare == []


def arguments(one):
    """Values of the right kind for a route's parameters."""
    kinds = {"int": 1, "slug": "support_bundle", "str": "x", "uuid": "6f1d6b1e-0000-4000-8000-00000000f457"}
    return {
        name: kinds.get(type(converter).__name__.removesuffix("Converter").lower().replace("string", "str"), "x")
        for name, converter in one.pattern.converters.items()
    }


def test_nobody_sees_a_page_without_login(client):
    for _, one in pages():
        if one.name in OPEN or one.name is None:
            continue
        answer = client.get(reverse(one.name, kwargs=arguments(one)))
        assert answer.status_code == 302, one.name
        assert "/login/" in answer["Location"], one.name


def test_a_person_without_a_role_is_refused_everywhere(client):
    client.force_login(User.objects.create_user("nobody"), backend="portal.access.backend.PeopleBackend")
    for _, one in pages():
        if one.name in OPEN | OWN or one.name is None:
            continue
        for ask in (client.get, client.post):
            assert ask(reverse(one.name, kwargs=arguments(one))).status_code in (403, 405), one.name


# a reader; the others at length
@pytest.mark.parametrize(
    "role", [one if one == "viewer" else pytest.param(one, marks=pytest.mark.matrix) for one in ROLES]
)
def test_a_role_opens_exactly_the_pages_of_its_acts(client, role):
    user = User.objects.create_user("somebody")
    give_role(user, role, "test")
    client.force_login(user, backend="portal.access.backend.PeopleBackend")
    for _, one in pages():
        if one.name in OPEN | OWN or one.name is None:
            continue
        status = client.get(reverse(one.name, kwargs=arguments(one))).status_code
        if one.callback.needs in ROLES[role].acts:
            assert status != 403, one.name
        else:
            assert status in (403, 405), one.name
