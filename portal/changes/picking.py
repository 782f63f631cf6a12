"""The field in which people name a change, with the known ones that fit; without JavaScript a plain field with a
list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from portal.changes import pages
from portal.changes.asked import LONGEST
from portal.changes.services.offering import Offer, named, offers

LIST = "known-changes"  # id of the list; a page has one such field
FORMS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


@dataclass(frozen=True)
class Pick:
    """What the page offers. typed: what stands in the field. row: the known change that it names, as it was read back
    last."""

    target: str
    offers: list[Offer]
    typed: str = ""
    row: pages.Row | None = None


class ChangeNumber(forms.CharField):
    """The number of a change, or system:number."""

    pick: Pick | None = None

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"label": "Change number", "max_length": LONGEST, "required": False, **given})
        self.widget.attrs |= {"list": LIST, "autocomplete": "off", "spellcheck": "false"}


def about(form: forms.Form, target: str) -> None:
    """Lets a form's field `change` offer what fits a target and the times that stand in the form."""
    field = form.fields["change"]
    assert isinstance(field, ChangeNumber)
    told = {name: form[name].value() for name in ("change", "begins", "ends", "deadline") if name in form.fields}
    field.pick = pick(
        target, str(told.get("change") or ""), told.get("begins"), told.get("ends") or told.get("deadline")
    )


def pick(target: str, typed: str = "", begins: Any = None, ends: Any = None) -> Pick:
    """begins, ends: times, or texts as fields have them; what is none counts as not given."""
    row = named(target, typed) if typed.strip() else None
    found = offers(target, _moment(begins), _moment(ends), timezone.now())
    return Pick(target, found, typed.strip(), pages.row_of(row) if row else None)


def _moment(given: Any) -> datetime | None:
    try:
        found: datetime | None = forms.DateTimeField(required=False, input_formats=FORMS).clean(given)
    except forms.ValidationError:
        return None
    return found
