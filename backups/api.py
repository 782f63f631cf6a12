"""Backups over the REST API, to read; what can be done with them is in api_acts.py. No secret is part of anything."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from backups import models
from backups.api_acts import BackupActs, PolicyActs
from backups.services.pages_ladder import ladder_of
from backups.services.pages_standing import standings
from inventory.models.looks import OUTCOMES
from portal.access.filtering import filtered
from portal.access.paging import ByKey
from portal.access.paging import Newest as NewestByTime
from portal.access.rest import Needs


class Copy(serializers.ModelSerializer[models.Copy]):
    """One encrypted copy. sha256 and size are of the encrypted file."""

    class Meta:
        model = models.Copy
        exclude: ClassVar = ["backup", "sent", "failures"]


class Backup(serializers.ModelSerializer[models.Backup]):
    """One catalog entry in Barman's words. mark: V0 to V5, or none. sha256 and size are of the plain archive."""

    copies = Copy(many=True, read_only=True)
    mark = serializers.SerializerMethodField()

    class Meta:
        model = models.Backup
        exclude: ClassVar = ["output", "objects_then", "things", "climbed_run"]

    def get_mark(self, backup: models.Backup) -> str:
        return ladder_of(backup).word


class BackupDetail(Backup):
    """With what engine-backup printed, and what the engine listed around it."""

    class Meta:
        model = models.Backup
        exclude: ClassVar = ["climbed_run"]


class Rehearsal(serializers.ModelSerializer[models.Rehearsal]):
    """One restore into scratch, with the rows counted per table."""

    class Meta:
        model = models.Rehearsal
        fields = "__all__"


class Policy(serializers.ModelSerializer[models.Policy]):
    """Durations in seconds, sizes in bytes. heartbeat: whether a watcher outside is told; its URL is a secret."""

    heartbeat = serializers.SerializerMethodField()

    class Meta:
        model = models.Policy
        exclude: ClassVar = ["heartbeat_url"]

    def get_heartbeat(self, policy: models.Policy) -> bool:
        return bool(policy.heartbeat_url)


class Destination(serializers.ModelSerializer[models.Destination]):
    """A place of copies. Its secret is not part of it."""

    class Meta:
        model = models.Destination
        exclude: ClassVar = ["secret"]


class Recipient(serializers.ModelSerializer[models.Recipient]):
    """Somebody for whom copies are encrypted, by the public key."""

    class Meta:
        model = models.Recipient
        exclude: ClassVar = ["private_key"]


class StandingLine(serializers.Serializer[Any]):
    """One thing that is not as decided."""

    outcome = serializers.ChoiceField(OUTCOMES)
    sentence = serializers.CharField()


class Standing(serializers.Serializer[Any]):
    """How a policy stands now. answer: could the engine be rebuilt from a backup? restorable_to: null when nothing is
    proven."""

    answer = serializers.CharField(source="verdict.word")
    outcome = serializers.ChoiceField(OUTCOMES, source="verdict.outcome")
    title = serializers.CharField(source="verdict.title")
    lines = StandingLine(source="verdict.lines", many=True)
    restorable_to = serializers.DateTimeField(source="verdict.clock.taken", allow_null=True)
    lost_seconds = serializers.FloatField(source="verdict.clock.lost", allow_null=True)
    objective_seconds = serializers.FloatField(source="verdict.clock.objective")
    next_due = serializers.DateTimeField(source="verdict.clock.next_due", allow_null=True)
    proven = serializers.IntegerField(source="facts.proven_count")


class NewestFirst(ByKey):
    """Newest first."""

    ordering = "-pk"


class Resource(viewsets.ReadOnlyModelViewSet[Any]):
    """A read-only table."""

    permission_classes = (Needs("estate.view"),)
    pagination_class = ByKey

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "now": timezone.now()}


class Backups(BackupActs, Resource):
    """The catalog, newest first."""

    queryset = models.Backup.objects.order_by("-pk")
    pagination_class = NewestFirst
    permission_classes = (Needs("estate.view", "run.start"),)
    filter_backends = (filtered("engine", "policy", "status", "proof", "ident", "change"),)

    def get_queryset(self) -> QuerySet[Any]:
        copies = Prefetch("copies", models.Copy.objects.order_by("pk"))
        rows = super().get_queryset().prefetch_related(copies)
        return rows if self.action == "retrieve" else rows.defer("output", "objects_then", "things")

    def get_serializer_class(self) -> type[Backup]:
        return BackupDetail if self.action == "retrieve" else Backup


class Policies(PolicyActs, Resource):
    """How engines are backed up."""

    queryset = models.Policy.objects.prefetch_related("destinations").order_by("pk")
    serializer_class = Policy
    filter_backends = (filtered("engine", "enabled", "name"),)

    @extend_schema(responses=Standing)
    @action(detail=True, filter_backends=(), pagination_class=None)
    def standing(self, request: Request, pk: str = "") -> Response:
        """How the policy stands now: the page's verdict."""
        policy = self.get_object()
        found = standings(timezone.now(), models.Policy.objects.filter(pk=policy.pk))
        return Response(Standing(found[0]).data)


class Destinations(Resource):
    """Where copies go."""

    queryset = models.Destination.objects.order_by("pk")
    serializer_class = Destination
    filter_backends = (filtered("site", "kind", "enabled", "name"),)


class Recipients(Resource):
    """Who can decrypt."""

    queryset = models.Recipient.objects.defer("private_key").order_by("pk")
    serializer_class = Recipient
    filter_backends = (filtered("name"),)


class Rehearsals(Resource):
    """Restores into scratch, newest first."""

    queryset = models.Rehearsal.objects.order_by("-at", "-pk")
    serializer_class = Rehearsal
    pagination_class = NewestByTime
    filter_backends = (filtered("backup", "outcome"),)


router = SimpleRouter()
router.register("backups", Backups, basename="api-backup")
router.register("policies", Policies, basename="api-policy")
router.register("destinations", Destinations, basename="api-destination")
router.register("recipients", Recipients, basename="api-recipient")
router.register("rehearsals", Rehearsals, basename="api-rehearsal")
