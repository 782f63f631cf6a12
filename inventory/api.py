"""The estate over the REST API, to read; what can be done to it is in api_acts.py. One resource per table; lists never
cost more queries than they have kinds of rows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.routers import SimpleRouter

from inventory import models
from inventory.api_acts import DeviceActs, EngineActs, HostActs, OracleActs
from inventory.api_luns import HostPorts, LunViews
from inventory.api_sides import LunSides, VmSides
from inventory.models.looks import OUTCOMES
from inventory.services.looks import every, present
from portal.access.filtering import filtered
from portal.access.paging import ByKey, Newest
from portal.access.rest import Needs

# of a finding itself; its look's raw answer is not read for it
FINDING = ("look_id", "check_name", "subject_kind", "subject_key", "outcome", "sentence", "since")


class Site(serializers.ModelSerializer[models.Site]):
    class Meta:
        model = models.Site
        fields: ClassVar = ["id", "name", "role"]


class Engine(serializers.ModelSerializer[models.Engine]):
    """Credentials are not part of it."""

    class Meta:
        model = models.Engine
        fields: ClassVar = ["id", "site", "name", "url", "watched", "instance_id", "product", "version"]


class Cluster(serializers.ModelSerializer[models.Cluster]):
    class Meta:
        model = models.Cluster
        fields = "__all__"


class Host(serializers.ModelSerializer[models.Host]):
    """The engine's words, plus what was declared. null: the engine did not say."""

    class Meta:
        model = models.Host
        exclude: ClassVar = ["ssh_user"]


class Vm(serializers.ModelSerializer[models.Vm]):
    class Meta:
        model = models.Vm
        fields = "__all__"


class StorageDomain(serializers.ModelSerializer[models.StorageDomain]):
    class Meta:
        model = models.StorageDomain
        fields = "__all__"


class Lun(serializers.ModelSerializer[models.Lun]):
    wwid = serializers.CharField(source="uuid", read_only=True)

    class Meta:
        model = models.Lun
        exclude: ClassVar = ["uuid"]


class Attachment(serializers.ModelSerializer[models.Attachment]):
    class Meta:
        model = models.Attachment
        fields = "__all__"


class HostLun(serializers.ModelSerializer[models.HostLun]):
    """Path counts as VDSM reported them at the last storage sync."""

    class Meta:
        model = models.HostLun
        fields = "__all__"


class DeclaredPath(serializers.ModelSerializer[models.DeclaredPath]):
    class Meta:
        model = models.DeclaredPath
        fields = "__all__"


class DeclaredPort(serializers.ModelSerializer[models.DeclaredPort]):
    class Meta:
        model = models.DeclaredPort
        fields = "__all__"


class EngineEvent(serializers.ModelSerializer[models.EngineEvent]):
    class Meta:
        model = models.EngineEvent
        fields = "__all__"


class Device(serializers.ModelSerializer[models.Device]):
    """A switch or an array. Its account and certificates are not part of it; what it told is in its look."""

    class Meta:
        model = models.Device
        fields: ClassVar = ["id", "engine", "site", "kind", "name", "address", "second_address", "port", "watched"]


class OracleVm(serializers.ModelSerializer[models.OracleVm]):
    """An Oracle VM as it is declared. Its account and host key are not part of it; what it told is in its look."""

    class Meta:
        model = models.OracleVm
        fields: ClassVar = ["id", "vm", "address", "port", "instances", "asm_owner", "asm_group", "asm_mode", "watched"]


class Look(serializers.ModelSerializer[models.Look]):
    """The latest look, without its raw answer (see `looks/{id}`)."""

    every = serializers.SerializerMethodField()

    class Meta:
        model = models.Look
        exclude: ClassVar = ["sections", "brief", "mark", "facts_sha256", "numbers"]

    def get_every(self, look: models.Look) -> float:
        return every(look.probe)


class LookDetail(Look):
    """The latest look with its raw answer."""

    class Meta:
        model = models.Look
        exclude: ClassVar = ["brief", "mark", "facts_sha256", "numbers"]


class Finding(serializers.ModelSerializer[models.Finding]):
    """A finding as of now: a look that grew too old makes it unknown."""

    outcome = serializers.SerializerMethodField()
    sentence = serializers.SerializerMethodField()
    probe = serializers.CharField(source="look.probe", read_only=True)
    host = serializers.IntegerField(source="look.host_id", read_only=True, allow_null=True)
    looked_at = serializers.DateTimeField(source="look.at", read_only=True, allow_null=True)

    class Meta:
        model = models.Finding
        fields: ClassVar = [
            "id",
            "outcome",
            "sentence",
            "since",
            "subject_kind",
            "subject_key",
            "check_name",
            "probe",
            "host",
            "look",
            "looked_at",
        ]

    @extend_schema_field(serializers.ChoiceField(choices=OUTCOMES))
    def get_outcome(self, finding: models.Finding) -> str:
        return present(finding, self.context["now"])[0].value

    def get_sentence(self, finding: models.Finding) -> str:
        return present(finding, self.context["now"])[1]


class Transition(serializers.ModelSerializer[models.Transition]):
    class Meta:
        model = models.Transition
        fields = "__all__"


class Capture(serializers.ModelSerializer[models.Capture]):
    class Meta:
        model = models.Capture
        fields = "__all__"


class Rollup(serializers.ModelSerializer[models.Rollup]):
    class Meta:
        model = models.Rollup
        fields = "__all__"


class Resource(viewsets.ReadOnlyModelViewSet[Any]):
    """A read-only table."""

    permission_classes = (Needs("estate.view"),)
    pagination_class = ByKey

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "now": timezone.now()}


class Findings(Resource):
    """Present findings."""

    queryset = (
        models.Finding.objects.select_related("look__host", "look__device", "look__vm", "look__engine")
        .only(
            *FINDING,
            "look__probe",
            "look__at",
            "look__host__name",
            "look__device__name",
            "look__vm__name",
            "look__engine__name",
        )
        .order_by("pk")
    )
    serializer_class = Finding
    filter_backends = (filtered("subject_kind", "subject_key", "check_name", "look"),)


class Looks(Resource):
    """The latest look per host, device, VM or engine and probe."""

    queryset = models.Look.objects.order_by("pk")
    filter_backends = (filtered("host", "device", "vm", "engine", "probe", "state"),)

    def get_serializer_class(self) -> type[Look]:
        return LookDetail if self.action == "retrieve" else Look


def resource(
    serializer: type[serializers.BaseSerializer[Any]],
    filters: tuple[str, ...] = (),
    paging: type[ByKey] = ByKey,
    acts: tuple[type[Any], ...] = (),
) -> type[Resource]:
    """A viewset of one serializer's model, read-only but for the acts."""
    model = serializer.Meta.model  # type: ignore[attr-defined]
    return type(
        f"{model.__name__}Resource",
        (*acts, Resource),
        {
            "__doc__": model.__doc__,
            "queryset": model.objects.order_by("pk"),
            "serializer_class": serializer,
            "filter_backends": [filtered(*filters)],
            "pagination_class": paging,
        },
    )


router = SimpleRouter()
router.register("sites", resource(Site), basename="api-site")
router.register("engines", resource(Engine, acts=(EngineActs,)), basename="api-engine")
router.register("clusters", resource(Cluster, ("engine",)), basename="api-cluster")
router.register(
    "hosts", resource(Host, ("engine", "cluster", "name", "status"), acts=(HostActs, HostPorts)), basename="api-host"
)
router.register(
    "devices", resource(Device, ("engine", "site", "kind", "name"), acts=(DeviceActs,)), basename="api-device"
)
router.register("oracle-vms", resource(OracleVm, ("vm", "watched"), acts=(OracleActs,)), basename="api-oraclevm")
router.register("vms", resource(Vm, ("engine", "host", "name", "status"), acts=(VmSides,)), basename="api-vm")
router.register("storage-domains", resource(StorageDomain, ("engine", "status")), basename="api-storagedomain")
router.register(
    "luns", resource(Lun, ("engine", "domain", "name", "uuid"), acts=(LunSides, LunViews)), basename="api-lun"
)
router.register("attachments", resource(Attachment, ("vm", "lun")), basename="api-attachment")
router.register("host-luns", resource(HostLun, ("host", "lun")), basename="api-hostlun")
router.register("declared-paths", resource(DeclaredPath, ("host", "wwid")), basename="api-declaredpath")
router.register("declared-ports", resource(DeclaredPort, ("host", "wwpn")), basename="api-declaredport")
logged = resource(EngineEvent, ("engine", "code", "severity"), Newest)
router.register("engine-events", logged, basename="api-engineevent")
router.register("looks", Looks, basename="api-look")
router.register("findings", Findings, basename="api-finding")
router.register(
    "transitions",
    resource(Transition, ("host", "probe", "subject_kind", "subject_key"), Newest),
    basename="api-transition",
)
router.register("captures", resource(Capture, ("sha256",)), basename="api-capture")
router.register("rollups", resource(Rollup, ("look", "series")), basename="api-rollup")
