"""The rules of zoning, cabling and mapping (facts/san.md 3.4) as a table, and `lint`, which asks them all."""

from __future__ import annotations

from inventory.redundancy.estate import Estate
from inventory.redundancy.lint import arrays, cabling, configurations, paths, ports, topology, zones
from inventory.redundancy.lint.rule import Objection, Rule
from inventory.redundancy.lint.scene import Scene
from inventory.redundancy.proof import prove
from inventory.redundancy.summary import Proof
from portal.kernel.outcome import Outcome

WARN, FAIL, UNKNOWN = Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN

RULES = (
    Rule("INITIATOR_SINGLE_FABRIC", "A host is logged in to one fabric alone", FAIL, topology.single_fabric),
    Rule("HBA_IN_TWO_FABRICS", "A port is logged in to two fabrics", FAIL, topology.two_fabrics),
    Rule("FABRICS_MERGED", "Two fabrics share a switch", FAIL, topology.merged),
    Rule("MULTI_INITIATOR_ZONE", "A zone lets initiators talk to each other", WARN, zones.multi_initiator),
    Rule("MIXED_ARRAY_ZONE", "A zone holds ports of several arrays", WARN, zones.mixed_arrays),
    Rule("TARGET_TARGET_ONLY", "A zone has no known initiator", WARN, zones.no_initiator),
    Rule("STALE_WWPN", "A zone has a port that is gone for 30 days", WARN, zones.stale),
    Rule("UNKNOWN_WWPN", "A zone has a port that nobody has", WARN, zones.unknown),
    Rule("ALIAS_TYPO", "A WWPN is a typing mistake", FAIL, zones.typo),
    Rule("ALIAS_WRONG_HOST", "An alias names one host and holds another's port", FAIL, zones.alias_of_another),
    Rule("ALIAS_UNRESOLVED", "A zone names an alias that does not exist", FAIL, zones.alias_unresolved),
    Rule("ALIAS_DUP", "A WWPN has several aliases", WARN, zones.alias_twice),
    Rule("DEFINED_NOT_EFFECTIVE", "A zone is saved and not enabled", FAIL, configurations.defined_not_effective),
    Rule("EFFECTIVE_NOT_DEFINED", "A zone is gone at the next enabling", WARN, configurations.effective_not_defined),
    Rule("DEFINED_DIFFERS", "A zone is defined otherwise than in effect", WARN, configurations.differs),
    Rule("DEFINED_CFG_NAME", "The effective configuration is not defined", WARN, configurations.cfg_name),
    Rule("DEFAULT_ZONE_ALL_ACCESS", "The default zone lets everybody talk", FAIL, zones.all_access),
    Rule("OPEN_TRANSACTION", "Zoning changes are open", WARN, configurations.open_transaction),
    Rule(
        "ARRAY_NOT_ZONED_ON_FABRIC", "A host reaches an array over one fabric", FAIL, configurations.not_zoned_on_fabric
    ),
    Rule("CONTROLLER_NOT_ZONED", "An HBA port misses a controller", WARN, configurations.controller_missed),
    Rule("ZONED_NOT_LOGGED_IN", "A zoned port is not logged in", WARN, zones.zoned_not_logged_in),
    Rule("LOGGED_IN_NOT_ZONED", "A port is logged in and in no zone", WARN, configurations.logged_in_not_zoned),
    Rule("LOGGED_IN_NOT_ON_ARRAY", "An initiator belongs to no host on the array", FAIL, arrays.not_on_array),
    Rule("INITIATOR_ON_WRONG_HOST", "An initiator is under another host", FAIL, arrays.wrong_host),
    Rule("PORT_ZONED", "A zone has a port number as member", WARN, zones.port_zoned),
    Rule("SPEED_MISMATCH", "A link is slower than its port", WARN, ports.speed),
    Rule("ERRORS_RISING", "A port counts new errors", WARN, ports.errors),
    Rule("SFP_WEAK", "An optic receives too little light", WARN, ports.weak_light),
    Rule("PERSISTENT_DISABLE", "A port that is used is disabled for good", WARN, ports.persistent_disable),
    Rule("LUN_MAPPED_TO_ONE_HOST", "A LUN of a movable VM is mapped to one host", FAIL, arrays.one_host),
    Rule("HOST_LUN_ID_DIFFERS", "A LUN has different numbers on its hosts", WARN, arrays.host_lun_id),
    Rule(
        "SECONDARY_MAPPED_TO_PROD_HOSTS",
        "A replica is mapped where its original is",
        FAIL,
        arrays.secondary_in_production,
    ),
    Rule("PATHS_SEEN_BELOW_DESIGNED", "Multipath has fewer paths than designed", FAIL, paths.seen_below_designed),
    Rule("DECLARED_NOT_DESIGNED", "Declared paths are not zoned and mapped", WARN, paths.declared_not_designed),
    Rule("DESIGNED_NOT_LOGGED_IN", "Designed paths are not logged in", WARN, paths.designed_not_logged_in),
    Rule("LOGGED_IN_NOT_DESIGNED", "Paths work that nobody designed", WARN, paths.logged_in_not_designed),
    Rule("LOGGED_IN_NOT_SEEN", "The array holds paths that multipath lacks", WARN, paths.logged_in_not_seen),
    Rule("SEEN_NOT_LOGGED_IN", "Multipath has paths that the array denies", WARN, paths.seen_not_logged_in),
    Rule("HOSTS_UNLIKE", "Hosts have different numbers of paths to a LUN", WARN, paths.hosts_unlike),
    Rule("PRIORITIES_DIFFER", "Multipath prefers some paths of a symmetric array", WARN, paths.priorities_differ),
    Rule("CABLED_ELSEWHERE", "A port is not plugged in where it is declared", WARN, cabling.elsewhere),
    Rule("CABLED_NOT_LOGGED_IN", "A declared cable carries nobody", WARN, cabling.absent),
    Rule("PORT_TAKEN", "Another port stands where a cable is declared", WARN, cabling.taken),
    Rule("CABLE_NOT_DECLARED", "A port is plugged in and not declared", WARN, cabling.undeclared),
    Rule("LINK_MISSING", "A declared link between switches is not up", WARN, cabling.links_missing),
    Rule("LINK_NOT_DECLARED", "A link between switches is not declared", WARN, cabling.links_undeclared),
    Rule("FABRIC_NOT_AS_DECLARED", "Switches form other fabrics than declared", FAIL, cabling.fabrics),
    Rule("CARD_DIFFERS", "A port is on another card than declared", WARN, cabling.cards),
    Rule("PLAN_NAMES_NOBODY", "The declared cabling names what is not there", WARN, cabling.strange_names),
    Rule("POWER_NOT_DECLARED", "The power of something is not declared", WARN, cabling.unfed),
    Rule("FIRMWARE_DIFFERS", "Firmware differs", WARN, topology.firmware),
    Rule("UNREAD", "Something was not read", UNKNOWN, topology.unread),
)


def lint(estate: Estate, before: Estate | None = None, proof: Proof | None = None) -> list[Objection]:
    """Every breach of every rule, the worst first. before: an earlier look, for what only two looks can tell (errors
    that rise, fabrics that merged). proof: of the same estate, when it is at hand."""
    scene = Scene(proof or prove(estate), before)
    found = [
        Objection(rule.ident, rule.title, one.severity or rule.severity, one.objects, one.evidence, one.sentence)
        for rule in RULES
        for one in rule.find(scene)
    ]
    order = (FAIL, UNKNOWN, WARN)
    return sorted(found, key=lambda one: order.index(one.severity))
