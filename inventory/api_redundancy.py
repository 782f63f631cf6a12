"""The proof of redundancy over the API: its summary, and what dies when elements are taken away. Reads only."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import exceptions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from inventory.models.looks import OUTCOMES
from inventory.redundancy.evidence import Layer
from inventory.redundancy.layers import HostLun
from inventory.redundancy.whatif import Remains, what_if
from inventory.services.pages_topology import Known, Page, page
from inventory.topology.compose import layer_of
from inventory.topology.losses import asked, token
from portal.access.rest import Needs
from portal.kernel.outcome import Outcome

ENGINE = OpenApiParameter(
    "engine", int, description="Primary key of the engine; the first one with a proof when absent."
)
WITHOUT = OpenApiParameter(
    "without",
    str,
    many=True,
    description='An element that dies, as `elements[].id` of the proof names it: "switch:1000c4f57c01a000". Repeat it.',
)
LAYER = OpenApiParameter("layer", str, enum=[one.value for one in Layer], description="Which paths count.")


class ProofElement(serializers.Serializer[Any]):
    """What dies with one element. cuts: LUNs on hosts that lose every path; hit: how many lose some."""

    id = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    cuts = serializers.IntegerField()
    hit = serializers.IntegerField()
    sentence = serializers.CharField()


class ProofSummary(serializers.Serializer[Any]):
    """The verdict on one LUN, VM, storage domain, host or array."""

    name = serializers.CharField()
    key = serializers.CharField()
    outcome = serializers.ChoiceField(OUTCOMES)
    sentence = serializers.CharField()


@extend_schema_serializer(many=False)  # one, although the path has no key
class ProofRow(serializers.Serializer[Any]):
    """The newest proof. looked_at: when it was last found to hold; too_old: it no longer speaks for the present, and
    outcome is unknown."""

    engine = serializers.IntegerField()
    looked_at = serializers.DateTimeField(allow_null=True)
    too_old = serializers.BooleanField()
    outcome = serializers.ChoiceField(OUTCOMES)
    sentence = serializers.CharField()
    elements = ProofElement(many=True)
    luns = ProofSummary(many=True)
    vms = ProofSummary(many=True)
    hosts = ProofSummary(many=True)
    arrays = ProofSummary(many=True)


class Left(serializers.Serializer[Any]):
    """A LUN on a host afterwards. points: elements that all remaining paths share."""

    host = serializers.CharField()
    lun = serializers.CharField()
    wwid = serializers.CharField()
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    points = serializers.ListField(child=serializers.CharField())


class Unsure(serializers.Serializer[Any]):
    """A LUN on a host of which not everything was read."""

    host = serializers.CharField()
    lun = serializers.CharField()
    wwid = serializers.CharField()


class Consequence(serializers.Serializer[Any]):
    """What dies. hosts_gone: hosts that die themselves; their LUNs are among the lost. strange: elements that nothing
    is known to run over. unknown: LUNs of which more may die than is said."""

    engine = serializers.IntegerField()
    looked_at = serializers.DateTimeField(allow_null=True)
    too_old = serializers.BooleanField()
    sentence = serializers.CharField()
    removed = serializers.ListField(child=serializers.CharField())
    strange = serializers.ListField(child=serializers.CharField())
    hosts_gone = serializers.ListField(child=serializers.CharField())
    lost = Left(many=True)
    weakened = Left(many=True)
    vms_lost = serializers.ListField(child=serializers.CharField())
    vms_hit = serializers.ListField(child=serializers.CharField())
    unknown = Unsure(many=True)


class Redundancies(viewsets.ViewSet):
    """The proof of redundancy: which single element cuts which LUN off which host."""

    permission_classes = (Needs("estate.view"),)

    @extend_schema(operation_id="redundancy_retrieve", parameters=[ENGINE], responses=ProofRow)
    def list(self, request: Request) -> Response:
        """The newest proof in one document. 404 while there is none: no switch and no array is declared, or none was
        looked at yet."""
        found, known = _page(request)
        proof = known.proof
        elements = [
            {
                "id": token(one.element),
                "kind": one.element.kind.value,
                "name": one.label,
                "cuts": len(one.cuts),
                "hit": one.hit,
                "sentence": one.sentence,
            }
            for one in proof.elements
        ]
        outcome = Outcome.UNKNOWN if found.old else proof.whole.outcome
        parts = {name: getattr(proof, name) for name in ("luns", "vms", "hosts", "arrays")}
        told = {**_when(found), "outcome": outcome, "sentence": proof.whole.sentence, "elements": elements, **parts}
        return Response(ProofRow(told).data)

    @extend_schema(parameters=[WITHOUT, LAYER, ENGINE], responses=Consequence)
    @action(detail=False, url_path="what-if")
    def what_if(self, request: Request) -> Response:
        """What dies when these elements die together. Nothing is changed anywhere."""
        found, known = _page(request)
        elements, strange = asked(request.query_params.getlist("without"))
        what = what_if(known.proof, elements, layer_of(request.query_params.get("layer", "")))
        told = {
            **_when(found),
            "sentence": what.sentence,
            "removed": [token(one) for one in what.removed],
            "strange": [*(token(one) for one in what.strange), *strange],
            "hosts_gone": what.hosts_gone,
            "lost": [_left(known, one) for one in what.lost],
            "weakened": [_left(known, one) for one in what.weakened],
            "vms_lost": what.vms_lost,
            "vms_hit": what.vms_hit,
            "unknown": [_cell(one) for one in what.unknown],
        }
        return Response(Consequence(told).data)


def _page(request: Request) -> tuple[Page, Known]:
    found = page(timezone.now(), request.query_params.get("engine", ""))
    if found.known is None:
        raise exceptions.NotFound("There is no proof: declare switches and arrays, or wait for the first look at one.")
    return found, found.known


def _when(found: Page) -> dict[str, Any]:
    assert found.look is not None, "there is a proof, so there is its look"
    return {"engine": found.look.engine_id, "looked_at": found.look.at, "too_old": found.old}


def _cell(cell: HostLun) -> dict[str, Any]:
    return {"host": cell.host, "lun": cell.name, "wwid": cell.wwid}


def _left(known: Known, one: Remains) -> dict[str, Any]:
    points = [known.proof.label(point) for point in one.points]
    return {**_cell(one.cell), "before": one.before, "after": one.after, "points": points}


router = SimpleRouter()
router.register("redundancy", Redundancies, basename="api-redundancy")
