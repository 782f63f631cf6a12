"""What backups know and a Run's lines must never show."""

from __future__ import annotations

import pytest

from backups.models import Destination
from backups.services import recipients, secrets
from inventory.models import Site
from portal.kernel.secret import Secret
from portal.runs import journal

pytestmark = pytest.mark.django_db


def test_keys_of_places_and_the_portals_identity_are_masked():
    site = Site.objects.create(name="DR")
    place = Destination(name="DR", site=site, kind=Destination.Kind.S3)
    place.secret = Secret("s3-secret-key")
    place.save()
    Destination.objects.create(name="NFS", site=site, kind=Destination.Kind.DIRECTORY)
    identity = recipients.own().private_key.reveal()
    shown = journal.masked(f"s3-secret-key and {identity}", secrets.known())
    assert shown == "*** and ***"


def test_what_no_key_opens_is_passed_over(settings):
    site = Site.objects.create(name="DR")
    place = Destination(name="DR", site=site, kind=Destination.Kind.S3)
    place.secret = Secret("s3-secret-key")
    place.save()
    settings.HOLDFAST_SEAL_KEYS = ["2" * 43 + "="]
    assert list(secrets.known()) == []
