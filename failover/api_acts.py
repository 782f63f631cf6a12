"""What the API lets people do with drills: the same services, refusals and evidence as the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from failover.api_fields import ApprovalRow
from failover.models import Drill
from failover.services import approvals, breaking, conduct, drills
from failover.services.conduct import ROLES, SEVERITIES
from inventory.models import Engine
from portal.access.idempotency import KEY, key_of
from portal.access.parsing import Json
from portal.access.rest import Needs
from portal.changes.asked import Asked
from portal.changes.fields import ChangeField
from portal.runs.api import POLL_AFTER
from portal.runs.problems import granted

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    DrillRows = GenericViewSet[Drill]
else:
    DrillRows = object

ACCEPTED = OpenApiResponse(description="Accepted; poll the Location, which is the drill's.")


class Objective(serializers.Serializer[Any]):
    """kind rto: `service` answers again within `seconds` of the injection. kind rpo: the newest proven backup is not
    older."""

    key = serializers.CharField(max_length=40)
    title = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(["rto", "rpo"])
    service = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    seconds = serializers.FloatField(min_value=0.1)


class Person(serializers.Serializer[Any]):
    """Somebody who takes part."""

    name = serializers.CharField(max_length=150)
    role = serializers.CharField(max_length=80, required=False, default="involved")


class DrillWish(serializers.Serializer[Any]):
    """What to drill. change.window is the time in which it may act; without one it may at any time. site: where the
    engine is meant to stand; where given, an engine at another one is refused."""

    engine = serializers.PrimaryKeyRelatedField(queryset=Engine.objects.all())
    plan = serializers.CharField(max_length=60)
    parameters = serializers.DictField(required=False, default=dict)
    objectives = Objective(many=True, required=False, default=list)
    people = Person(many=True, required=False, default=list)
    change = ChangeField()
    scenario = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    assumptions = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    site = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")


class BeginWish(serializers.Serializer[Any]):
    """site: where the engine is meant to stand; where given, an engine at another one is refused."""

    site = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")


class ApproveWish(serializers.Serializer[Any]):
    """hash: as read from the approval. content: what it is of; where given, a refusal names what has changed."""

    hash = serializers.CharField(max_length=64)
    content = serializers.DictField(required=False, allow_null=True, default=None)


class Why(serializers.Serializer[Any]):
    """The reason, for the record."""

    why = serializers.CharField(max_length=500)


class Signature(serializers.Serializer[Any]):
    """In which role, with which words."""

    role = serializers.ChoiceField(ROLES)
    words = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Issue(serializers.Serializer[Any]):
    """What went wrong, who puts it right, until when."""

    title = serializers.CharField(max_length=500)
    severity = serializers.ChoiceField(SEVERITIES)
    owner = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    due = serializers.CharField(max_length=10, required=False, allow_blank=True, default="")
    accepted_by = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    link = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class Answered(serializers.Serializer[Any]):
    """answer: done | not_done; seen: what the person saw; attachment: text. file, as multipart/form-data: PNG,
    JPEG, PDF or plain text, by its content."""

    answer = serializers.ChoiceField(["done", "not_done"])
    seen = serializers.CharField(max_length=conduct.LONG)
    attachment = serializers.CharField(max_length=conduct.LONG, required=False, allow_blank=True, default="")
    file = serializers.FileField(required=False, allow_empty_file=True, default=None)


def _who(request: Request) -> str:
    return str(request.user.get_username())


class DrillActs(DrillRows):
    """The acts with drills, for their viewset."""

    @extend_schema(request=DrillWish, parameters=[KEY], responses={202: ACCEPTED})
    def create(self, request: Request) -> Response:
        """Asks for a drill: 202 with Location. Nothing begins by it. Needs the act run.start."""
        given = _valid(DrillWish, request)
        change = Asked.of(given["change"] or "")
        wish: dict[str, Any] = {
            "objectives": [dict(each) for each in given["objectives"]],
            "people": [{**each, "present": None} for each in given["people"]],
            "window": (change.begins, change.ends),
            "change": change,
            "key": key_of(request),
            "words": {name: given[name] for name in ("scenario", "assumptions", "site")},
        }
        drill = granted(
            lambda: drills.request(given["engine"], given["plan"], given["parameters"], by=_who(request), **wish)
        )
        return self._accepted(drill.pk)

    @extend_schema(request=ApproveWish, responses=ApprovalRow)
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.approve"),))
    def approve(self, request: Request, pk: str = "") -> Response:
        """A second person agrees to exactly the content of the hash. Needs the act run.approve. 409 for whoever asked,
        and when anything has changed."""
        drill, given = self.get_object(), _valid(ApproveWish, request)
        granted(lambda: approvals.approve(drill.pk, _who(request), given["hash"], given["content"]))
        return Response(ApprovalRow.of(self.get_object(), timezone.now()))

    @extend_schema(request=Why, responses=ApprovalRow)
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.approve"),))
    def refuse(self, request: Request, pk: str = "") -> Response:
        """A second person says no; the drill ends before it began. Needs the act run.approve."""
        drill, given = self.get_object(), _valid(Why, request)
        granted(lambda: approvals.refuse(drill.pk, _who(request), given["why"]))
        return Response(ApprovalRow.of(self.get_object(), timezone.now()))

    @extend_schema(request=BeginWish, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"])
    def begin(self, request: Request, pk: str = "") -> Response:
        """Lets an approved drill go, in its window, when every precheck says go. Needs the act run.start."""
        drill, given = self.get_object(), _valid(BeginWish, request)
        granted(lambda: conduct.begin(drill.pk, _who(request), given["site"]))
        return self._accepted(drill.pk)

    @extend_schema(request=Why, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], url_path="break-glass")
    def break_glass(self, request: Request, pk: str = "") -> Response:
        """The first person asks to lift window and blackouts. Needs the act run.start."""
        drill, given = self.get_object(), _valid(Why, request)
        granted(lambda: breaking.ask(drill.pk, _who(request), given["why"]))
        return self._accepted(drill.pk)

    @extend_schema(request=None, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], url_path="break-glass/confirm", permission_classes=(Needs("run.approve"),))
    def confirm_glass(self, request: Request, pk: str = "") -> Response:
        """The second person confirms it: lifted for four hours, an alarm on every page. Needs the act run.approve."""
        drill = self.get_object()
        granted(lambda: breaking.confirm(drill.pk, _who(request)))
        return self._accepted(drill.pk)

    @extend_schema(request=Answered, responses={202: ACCEPTED})
    @action(
        detail=True, methods=["post"], url_path=r"prompts/(?P<prompt>\d{1,18})", parser_classes=(Json, MultiPartParser)
    )
    def answer(self, request: Request, pk: str = "", prompt: str = "") -> Response:
        """Answers a manual step. Needs the act run.start."""
        drill, given = self.get_object(), _valid(Answered, request)
        row = get_object_or_404(drill.prompts, pk=int(prompt))
        said = (given["answer"], given["seen"], given["attachment"], given["file"])
        granted(lambda: conduct.answer(row.pk, _who(request), *said))
        return self._accepted(drill.pk)

    @extend_schema(request=Issue, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"])
    def issues(self, request: Request, pk: str = "") -> Response:
        """Notes an issue. Needs the act run.start."""
        drill, given = self.get_object(), _valid(Issue, request)
        granted(lambda: conduct.note_issue(drill.pk, _who(request), given))
        return self._accepted(drill.pk)

    @extend_schema(request=Signature, responses={202: ACCEPTED})
    @action(detail=True, methods=["post"], permission_classes=(Needs("evidence.view"),))
    def sign(self, request: Request, pk: str = "") -> Response:
        """Signs the ended drill in one role. Needs the act evidence.view."""
        drill, given = self.get_object(), _valid(Signature, request)
        granted(lambda: conduct.sign(drill.pk, _who(request), given["role"], given["words"]))
        return self._accepted(drill.pk)

    def _accepted(self, pk: int) -> Response:
        body = self.get_serializer(self.get_queryset().get(pk=pk)).data
        headers = {"Location": reverse("api-drill-detail", args=[pk]), "Retry-After": POLL_AFTER}
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    wish = kind(data=request.data)
    wish.is_valid(raise_exception=True)
    found: dict[str, Any] = wish.validated_data
    return found
