"""Issues that drills found over the REST API: the same services and evidence as the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from failover.models import Drill, Issue
from failover.services import issues
from failover.services.conduct import CONFLICTS
from portal.access.admission import refusal
from portal.access.filtering import filtered
from portal.access.models import Token
from portal.access.paging import ByKey
from portal.access.problems import Conflict, Unprocessable
from portal.access.rest import Needs, actor
from portal.access.services.people import may
from portal.runs.services import Refused


class Newest(ByKey):
    """Newest first."""

    ordering = "-pk"


class IssueRow(serializers.ModelSerializer[Issue]):
    """An issue. drill null: no drill found it. changed_at: what an edit is based on."""

    ident = serializers.CharField(read_only=True)

    class Meta:
        model = Issue
        fields = "__all__"


class IssueWish(serializers.Serializer[Any]):
    """A new issue. owner: an account of the portal is reminded by mail."""

    title = serializers.CharField(max_length=500)
    severity = serializers.ChoiceField(Issue.SEVERITIES)
    owner = serializers.CharField(max_length=150, required=False, default="", allow_blank=True)
    due = serializers.DateField(required=False, allow_null=True, default=None)
    link = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    drill = serializers.PrimaryKeyRelatedField(
        queryset=Drill.objects.all(), required=False, allow_null=True, default=None
    )


class IssueEdit(serializers.Serializer[Any]):
    """What is to be changed. changed_at: as it was read; where the issue has changed since, 409."""

    title = serializers.CharField(max_length=500, required=False)
    severity = serializers.ChoiceField(Issue.SEVERITIES, required=False)
    owner = serializers.CharField(max_length=150, required=False, allow_blank=True)
    due = serializers.DateField(required=False, allow_null=True)
    link = serializers.CharField(max_length=300, required=False, allow_blank=True)
    changed_at = serializers.DateTimeField(required=False)


class Words(serializers.Serializer[Any]):
    """What was put right, or why."""

    words = serializers.CharField(max_length=500)


class RiskWish(serializers.Serializer[Any]):
    """Why the risk can be borne, and until when."""

    why = serializers.CharField(max_length=500)
    until = serializers.DateField()


class RiskConsent(serializers.Serializer[Any]):
    """until: the day that was read; where another one stands now, 409."""

    until = serializers.DateField(required=False, allow_null=True, default=None)


class RetestWish(serializers.Serializer[Any]):
    """The drill that tests it again."""

    drill = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class Issues(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Issue]):
    """Issues, newest first."""

    queryset = Issue.objects.order_by("-pk")
    serializer_class = IssueRow
    pagination_class = Newest
    permission_classes = (Needs("estate.view", "issue.manage"),)
    filter_backends = (filtered("state", "severity", "owner", "drill"),)

    @extend_schema(request=IssueWish, responses={201: OpenApiResponse(IssueRow, description="Noted.")})
    def create(self, request: Request) -> Response:
        """Notes an issue. Needs issue.manage."""
        wish = _valid(IssueWish, request)
        row = _granted(lambda: issues.note(actor(request), _texts(wish), wish["drill"]))
        headers = {"Location": reverse("api-issue-detail", args=[row.pk])}
        return Response(IssueRow(row).data, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(request=IssueEdit, responses=IssueRow)
    def partial_update(self, request: Request, pk: str = "") -> Response:
        """Owner, day, severity, title, link. Needs issue.manage."""
        row, wish = self.get_object(), _valid(IssueEdit, request)
        based_on = wish.pop("changed_at", None)
        return _row(lambda: issues.edit(row.pk, actor(request), _texts(wish), based_on.isoformat() if based_on else ""))

    @extend_schema(request=Words, responses=IssueRow)
    @action(detail=True, methods=["post"])
    def fix(self, request: Request, pk: str = "") -> Response:
        """It is put right; a drill tests it again. Needs issue.manage."""
        row, wish = self.get_object(), _valid(Words, request)
        return _row(lambda: issues.fix(row.pk, actor(request), wish["words"]))

    @extend_schema(request=RetestWish, responses=IssueRow)
    @action(detail=True, methods=["post"])
    def retest(self, request: Request, pk: str = "") -> Response:
        """Names the drill that tests it again. Needs issue.manage."""
        row, wish = self.get_object(), _valid(RetestWish, request)
        return _row(lambda: issues.link_retest(row.pk, actor(request), wish["drill"]))

    @extend_schema(request=RiskWish, responses=IssueRow)
    @action(detail=True, methods=["post"], url_path="ask-risk")
    def ask_risk(self, request: Request, pk: str = "") -> Response:
        """Asks a second person to accept the risk. Needs issue.manage."""
        row, wish = self.get_object(), _valid(RiskWish, request)
        return _row(lambda: issues.ask_risk(row.pk, _person(request), wish["why"], wish["until"].isoformat()))

    @extend_schema(request=RiskConsent, responses=IssueRow)
    @action(detail=True, methods=["post"], url_path="accept-risk")
    def accept_risk(self, request: Request, pk: str = "") -> Response:
        """Accepts the risk that another person asked for. Needs issue.accept."""
        row, wish = self.get_object(), _valid(RiskConsent, request)
        token = request.auth if isinstance(request.auth, Token) else None
        if not may(request.user, "issue.accept", token):
            raise PermissionDenied(str(refusal(request._request, "issue.accept", token)))
        until = wish["until"].isoformat() if wish["until"] else ""
        return _row(lambda: issues.accept_risk(row.pk, _person(request), until))

    @extend_schema(request=Words, responses=IssueRow)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str = "") -> Response:
        """Ends it, with what shows that it is put right. Needs issue.manage."""
        row, wish = self.get_object(), _valid(Words, request)
        return _row(lambda: issues.close(row.pk, actor(request), wish["words"]))

    @extend_schema(request=Words, responses=IssueRow)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str = "") -> Response:
        """Opens it again. Needs issue.manage."""
        row, wish = self.get_object(), _valid(Words, request)
        return _row(lambda: issues.reopen(row.pk, actor(request), wish["words"]))


def _person(request: Request) -> str:
    """The account itself: four eyes are two people, whatever tokens they use."""
    return str(request.user.get_username())


def _texts(wish: dict[str, Any]) -> dict[str, str]:
    """As the service takes them: dates as text."""
    found = {name: value for name, value in wish.items() if name != "drill"}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value or "" for name, value in found.items()}


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    wish = kind(data=request.data)
    wish.is_valid(raise_exception=True)
    return dict(wish.validated_data)


def _granted(deed: Callable[[], Issue]) -> Issue:
    try:
        return deed()
    except Refused as refused:
        if refused.kind in CONFLICTS:
            raise Conflict(str(refused)) from None
        raise Unprocessable(str(refused)) from None


def _row(deed: Callable[[], Issue]) -> Response:
    return Response(IssueRow(_granted(deed)).data)


router = SimpleRouter()
router.register("issues", Issues, basename="api-issue")
