"""Every page in every state: it renders, says what is unknown, and stays within its queries."""

from __future__ import annotations

import pytest

from inventory.models import Host, Look, Lun, Transition, Vm
from tests.ui import world

SCENES = ("empty", "new", "healthy", "warning", "lost", "stale")
PLAIN = (
    "/",
    "/engine/",
    "/hosts/",
    "/vms/",
    "/luns/",
    "/topology/",
    "/backups/",
    "/drills/",
    "/findings/",
    "/findings/changes/",
    "/runs/",
    "/evidence/",
    "/help/keys/",
    "/preferences/",
)


def deep() -> list[str]:
    """One page of every thing that there is."""
    found = []
    for model, name in ((Host, "hosts"), (Vm, "vms"), (Lun, "luns"), (Look, "looks")):
        row = model.objects.order_by("pk").first()
        if row is not None:
            found.append(f"/{name}/{row.pk}/")
    change = Transition.objects.exclude(capture=None).select_related("capture").first()
    return found + ([f"/captures/{change.capture.sha256}/"] if change else [])


@pytest.mark.parametrize("scene", SCENES)
def test_every_page_renders_in_every_scene(scene, reader):
    world.build(scene)
    for path in (*PLAIN, *deep()):
        answer = reader.get(path)
        assert answer.status_code == 200, path
        assert answer.content.count(b"<h1") == 1, path
