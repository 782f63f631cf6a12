"""The outbox over the REST API: what was sent to whom, and what was not delivered."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from portal.access.filtering import filtered
from portal.access.paging import ByKey
from portal.access.problems import Conflict
from portal.access.rest import Needs, actor
from portal.outbox import services
from portal.outbox.models import Mail


class MailRow(serializers.ModelSerializer[Mail]):
    """One message. state: queued, sent, failed (not delivered). channel: mail, webhook, slack, teams, syslog; of those
    but mail the address names the receiver. settled_at: since when one that was not delivered is done with."""

    class Meta:
        model = Mail
        exclude: ClassVar = ["taken_until"]


class Newest(ByKey):
    """Newest first."""

    ordering = "-pk"


class Mails(viewsets.ReadOnlyModelViewSet[Mail]):
    """Mail to people, newest first."""

    queryset = Mail.objects.order_by("-pk")
    serializer_class = MailRow
    pagination_class = Newest
    permission_classes = (Needs("evidence.view"),)
    filter_backends = (filtered("state", "kind", "about", "person", "channel"),)

    @extend_schema(request=None, responses={202: MailRow})
    @action(detail=True, methods=["post"], permission_classes=(Needs("run.start"),))
    def again(self, request: Request, pk: str = "") -> Response:
        """Queues one that was not delivered once more. Needs the act run.start. 409 when it has no address, or was
        delivered."""
        row = self.get_object()
        if not services.again(row.pk, actor(request), timezone.now()):
            raise Conflict("It has no address, or is not one that was not delivered: nothing was queued.")
        return Response(MailRow(self.get_object()).data, status=status.HTTP_202_ACCEPTED)


router = SimpleRouter()
router.register("mail", Mails, basename="api-mail")
