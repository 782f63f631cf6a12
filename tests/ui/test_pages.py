"""Every page in every state: it renders, is clean under the CSP, says what is unknown, and stays within its queries."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Host, Look, Lun, Transition, Vm
from portal.runs.models import Run
from tests.ui import world

SCENES = ("empty", "new", "healthy", "warning", "lost", "stale")
PLAIN = (
    "/",
    "/engine/",
    "/hosts/",
    "/vms/",
    "/tuning/",
    "/luns/",
    "/topology/",
    "/redundancy/",
    "/backups/",
    "/drills/",
    "/drills/mail/",
    "/findings/",
    "/findings/changes/",
    "/runs/",
    "/evidence/",
    "/help/keys/",
    "/preferences/",
)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def deep() -> list[str]:
    """One page of every thing that there is."""
    found = []
    for model, name in ((Host, "hosts"), (Vm, "vms"), (Lun, "luns"), (Look, "looks")):
        row = model.objects.order_by("pk").first()
        if row is not None:
            found.append(f"/{name}/{row.pk}/")
    change = Transition.objects.exclude(capture=None).select_related("capture").first()
    found += [f"/captures/{change.capture.sha256}/"] if change else []
    for run in Run.objects.all():
        found += [f"/runs/{run.pk}/", f"/runs/{run.pk}/abort/"]
    return found


class Reader(HTMLParser):
    """What the tests ask of a page: ids, labels, headings, and whatever a strict CSP would refuse."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str]] = []
        self.headings: list[str] = []
        self.scripts: list[str] = []
        self.refused: list[str] = []
        self.heads = self.tables = 0
        self.lang = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.refused += [f"<{tag} {name}>" for name in given if name == "style" or name.startswith("on")]
        self.refused += [f"<{tag}>"] if tag == "style" else []
        self.refused += [given["href"]] if given.get("href", "").lower().startswith("javascript:") else []
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "html":
            self.lang = given.get("lang", "")
        if tag == "label" and given.get("for"):
            self.labelled.add(given["for"])
        if tag in ("input", "select", "textarea") and given.get("type") != "hidden":
            self.fields.append({**given, "inside": "label" if "label" in self.open else ""})
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        if tag == "script":
            self.scripts.append(given.get("src", ""))
        self.tables += tag == "table"
        self.heads += tag == "th" and given.get("scope") in ("col", "row")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass


@pytest.mark.parametrize(
    "scene",
    [one if one in ("empty", "warning", "lost") else pytest.param(one, marks=pytest.mark.matrix) for one in SCENES],
)
def test_every_page_renders_clean_in_every_scene(scene, reader):
    world.build(scene)
    if scene != "empty":
        world.runs()
    for path in (*PLAIN, *deep()):
        answer = reader.get(path)
        assert answer.status_code == 200, path
        page = Reader(answer.content.decode())
        assert page.refused == [], path
        assert all(page.scripts), f"{path}: an inline script"
        assert page.lang == "en-GB", path
        assert page.headings.count("h1") == 1, path
        assert len(page.ids) == len(set(page.ids)), (path, [one for one in page.ids if page.ids.count(one) > 1])
        nameless = [f for f in page.fields if not (f.get("id") in page.labelled or f["inside"] or f.get("aria-label"))]
        assert nameless == [], path
        assert page.heads >= page.tables, path


@pytest.mark.parametrize("path", ["/login/", "/nowhere/"])
def test_pages_without_a_session_are_clean_too(path, client, db):
    page = Reader(client.get(path).content.decode())
    assert page.refused == []
    assert all(page.scripts)
    assert page.headings.count("h1") == 1


@pytest.mark.parametrize("path", PLAIN)
def test_a_fragment_is_what_stands_in_the_page(path, reader):
    world.build("warning")
    page = reader.get(path).content.decode()
    fragment = reader.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    main = still(fragment[fragment.index("<main") : fragment.index("</main>")])
    # a look may grow too old between two requests: the fragment is what the page says before it or after it
    assert main in still(page) or main in still(reader.get(path).content.decode())


def still(text: str) -> str:
    """Without what differs between two moments or two requests, and without indentation."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)
    text = re.sub(r"<time[^>]*>[^<]*</time>|[xd]\d?=\"[^\"]*\"|width=\"[^\"]*\"", "", text)
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("hosts", [2, 9, pytest.param(40, marks=pytest.mark.matrix)])
def test_at_most_ten_queries_whatever_the_size(hosts, reader):
    world.build("warning", hosts)
    world.runs()
    counts = {}
    for path in (*PLAIN, *deep()):
        reader.get(path)
        with CaptureQueriesContext(connection) as queries:
            reader.get(path)
        counts[path] = len(queries)
    assert {path: number for path, number in counts.items() if number > 10} == {}


@pytest.mark.parametrize(
    ("asked", "shown", "next_page"), [("2", 2, True), ("200", 5, False), ("x", 5, False), ("0", 1, True)]
)
def test_a_list_shows_as_many_rows_as_asked(reader, asked, shown, next_page):
    world.build("calm", 5)
    page = reader.get(f"/hosts/?rows={asked}").content.decode()
    assert page.count('<th scope="row">') == shown
    assert "5 hosts, " in page
    assert (f"?rows={asked}&amp;page=2" in page) is next_page
