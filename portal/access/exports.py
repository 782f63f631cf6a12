"""Evidence for the auditor: the export as a file, and the public key."""

from __future__ import annotations

import re
from typing import TypedDict

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from portal.access.admission import needs, trace
from portal.evidence import services as evidence
from portal.evidence import signing


class Asked(TypedDict):
    """A cleaned Question."""

    subject: str
    first: int | None
    last: int | None


class Question(forms.Form):
    """By subject ("run:7"), or by range; nothing: everything."""

    subject = forms.CharField(max_length=200, required=False)
    first = forms.IntegerField(min_value=1, required=False)
    last = forms.IntegerField(min_value=1, required=False)


@needs("evidence.export")
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """One JSON file; that it was made is recorded before. What cannot be exported comes back as a sentence."""
    form = Question(request.POST)
    if not form.is_valid():
        messages.error(request, "The range is not valid: whole numbers from 1.")
        return redirect("evidence")
    asked: Asked = form.cleaned_data  # type: ignore[assignment]
    try:
        scope = _scope(asked)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("evidence")
    body = {"subject": scope.subject, "first": scope.first, "last": scope.last, **trace(request)}
    evidence.append("evidence.exported", request.user.get_username(), "evidence", body)
    about = re.sub("[^A-Za-z0-9._-]+", "-", scope.subject) or "records"
    answer = StreamingHttpResponse(evidence.export(scope), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="evidence-{about}-{scope.first}-{scope.last}.json"'
    return answer


def _scope(asked: Asked) -> evidence.Scope:
    if asked["subject"]:
        return evidence.everything_of(asked["subject"])
    return evidence.span(asked["first"] or 1, asked["last"])


@needs("evidence.view")
@require_GET
def public_key(request: HttpRequest) -> HttpResponse:
    """The PEM that checks today's signatures. An auditor compares its id with the one handed over in person."""
    key = signing.private_key()
    if key is None:
        raise Http404("Nothing signs the evidence: HOLDFAST_EVIDENCE_KEY is not set.")
    answer = HttpResponse(signing.public_pem(key), content_type="application/x-pem-file")
    answer.headers["Content-Disposition"] = 'attachment; filename="holdfast-evidence.pem"'
    return answer
