"""The outbox over the REST API: what was sent to whom, and what was not delivered."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers, viewsets
from rest_framework.routers import SimpleRouter

from portal.access.filtering import filtered
from portal.access.paging import ByKey
from portal.access.rest import Needs
from portal.outbox.models import Mail


class MailRow(serializers.ModelSerializer[Mail]):
    """One message. state: queued, sent, failed (not delivered). channel: mail, webhook, slack, teams, syslog; of those
    but mail the address names the receiver."""

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


router = SimpleRouter()
router.register("mail", Mails, basename="api-mail")
