"""Change systems behind the kernel's ChangeSystem: ServiceNow, Jira Service Management, BMC Helix, and any system that
speaks the portal's own signed form. docs/adr/0032."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portal.connectors.change.bmc import IMPACTS, Bmc
from portal.connectors.change.bmc_calls import Simple
from portal.connectors.change.bmc_forms import Forms, own_fields
from portal.connectors.change.https import Endpoint, address_problem
from portal.connectors.change.jira import Jira
from portal.connectors.change.login import OURS, Account, Basic, Bearer, ByToken, Login, ar_jwt, atlassian, oauth
from portal.connectors.change.servicenow import ServiceNow
from portal.connectors.change.session import Door
from portal.connectors.change.webhook import POST_PATH, READ_PATH, Webhook
from portal.kernel.change import ChangeLogin, ChangeRefused, ChangeSystem
from portal.kernel.secret import Secret

LIMIT = 20.0  # seconds for one call
BASIC, OAUTH = "basic", "oauth"
ATLASSIAN = "https://api.atlassian.com"  # where Jira Cloud takes deployments
CHANGE, FORMS = "change", "forms"
COMMON = ("name", "pin", "signing_key", "former_key", "limit")
# what only one kind takes; a list is separated by commas
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "servicenow": ("login", "token_path", "template"),
    "jira": ("project", "issue_type", "services", "pipeline", "environment", "cloud_id", "client_id", "gates_at"),
    "bmc": ("calls", "login_path", "impact", "urgency", "fields"),
    "webhook": ("read_path", "post_path"),
}
# words of a 4xx that is no 403 and tells of a right all the same: ServiceNow's "Record doesn't exist or ACL restricts
# the record retrieval", Jira's "Issue does not exist or you do not have permission to see it"
MENDS: Mapping[str, tuple[str, ...]] = {
    "servicenow": ("acl ", "insufficient rights", "security constraint", "not authorized"),
    "jira": ("permission", "not authorized", "do not have access"),
    "bmc": ("permission", "not authorized", "do not have access"),
    "webhook": (),
}


@dataclass(frozen=True)
class _Given:
    kind: str
    account: Account
    endpoint: Endpoint
    options: Mapping[str, str]
    keys: tuple[Secret, ...]
    limit: float

    def door(self, login: Login) -> Door:
        return Door(self.endpoint, login, self.limit)


def connect(kind: str, url: str, account: str, secret: Secret, ca: str, **more: object) -> ChangeSystem:
    """A change system; nothing is sent yet.

    kind: a name in OPTIONS. ca: the CA's PEM, "" for the system's own CAs. more: name, of the portal's row, for keys
    and sentences; pin, its certificate's PEM instead of a CA; signing_key and former_key, Secrets of a webhook; limit,
    seconds for one call; and the options of its kind. Raises ChangeRefused with a sentence when it cannot be so."""
    options = {name: str(value).strip() for name, value in more.items() if name not in COMMON}
    if problem := problem_of(kind, url, options):
        raise ChangeRefused(problem)
    name, pin = str(more.get("name") or kind), str(more.get("pin") or "")
    if not secret and kind != "webhook":
        raise ChangeLogin(
            f"No secret is set for {name}, so it is not asked. Enter the password or token of its account."
        )
    keys = tuple(key for key in (more.get("signing_key"), more.get("former_key")) if isinstance(key, Secret) and key)
    limit = more.get("limit", LIMIT)
    assert isinstance(limit, int | float)
    endpoint = Endpoint(name, url.rstrip("/"), ca, pin, MENDS[kind])
    return _MADE[kind](_Given(kind, Account(account, secret), endpoint, options, keys, float(limit)))


def problem_of(kind: str, url: str, options: Mapping[str, object]) -> str:
    """Why a change system cannot be asked so, in one sentence for the form; "" when it can."""
    if kind not in OPTIONS:
        return f"{kind} is no kind of change system: {', '.join(OPTIONS)}."
    if problem := address_problem(url):
        return problem
    told = {name: str(value).strip() for name, value in options.items()}
    if odd := [name for name in told if name not in OPTIONS[kind]]:
        return f"{odd[0]} is no option of {kind}: {', '.join(OPTIONS[kind])}."
    return _CHECKED[kind](told)


def _path_problem(options: Mapping[str, str], *names: str) -> str:
    """A path begins with a slash and stays on its host."""
    for name in names:
        path = options.get(name, "")
        odd = not path.startswith("/") or any(
            not one.isascii() or not one.isprintable() or one in " \\#" for one in path
        )
        if path and odd:
            return f"{name} is no path: it begins with a slash and has no spaces."
    return ""


def _servicenow_problem(options: Mapping[str, str]) -> str:
    if options.get("login", "") not in ("", BASIC, OAUTH):
        return f"login is {BASIC} or {OAUTH}."
    return _path_problem(options, "token_path")


def _jira_problem(options: Mapping[str, str]) -> str:
    project = options.get("project", "")
    if project and not (project.isascii() and project.replace("_", "").isalnum()):
        return "project is a key such as OPS."
    cloud, client = options.get("cloud_id", ""), options.get("client_id", "")
    if bool(cloud) != bool(client) or (not cloud.replace("-", "a").isalnum() and cloud):
        return "cloud_id and client_id go together: the site's id, and the id of its credentials for deployments."
    if options.get("services") and not client:
        return "services need cloud_id and client_id: Jira Cloud takes deployments by a login of their own."
    if problem := address_problem(options.get("gates_at") or ATLASSIAN):
        return problem
    odd = [name for name in ("pipeline", "environment") if not (options.get(name) or "a").replace("-", "").isalnum()]
    return f"{odd[0]} has letters, digits and hyphens only." if odd else ""


def _bmc_problem(options: Mapping[str, str]) -> str:
    odd = [name for name in ("impact", "urgency") if options.get(name, "4000") not in ("", *IMPACTS)]
    if odd:
        return f"{odd[0]} is one of {', '.join(IMPACTS)}."
    if options.get("calls", "") not in ("", CHANGE, FORMS):
        return f"calls is {CHANGE} or {FORMS}."
    try:
        own_fields(options.get("fields", ""))
    except ValueError as error:
        return str(error)
    return _path_problem(options, "login_path")


def _webhook_problem(options: Mapping[str, str]) -> str:
    if options.get("read_path") and "{number}" not in options["read_path"]:
        return "read_path has {number} where the change's number goes."
    return _path_problem(options, "read_path", "post_path")


def _servicenow(given: _Given) -> ChangeSystem:
    path = given.options.get("token_path") or "/oauth_token.do"
    by_oauth = given.options.get("login") == OAUTH
    login = ByToken(given.account, "Bearer", oauth(path)) if by_oauth else Basic(given.account)
    return ServiceNow(given.door(login), given.options.get("template", ""))


def _jira(given: _Given) -> ChangeSystem:
    options = given.options
    site, gates = _two_secrets(given) if options.get("client_id") else (given.account, None)
    return Jira(
        given.door(Basic(site) if site.user else Bearer(site)),  # Data Center takes an access token without a name
        project=options.get("project", ""),
        issue_type=options.get("issue_type", ""),
        services=tuple(one.strip() for one in options.get("services", "").split(",") if one.strip()),
        pipeline=options.get("pipeline") or "holdfast",
        environment=options.get("environment") or "production",
        gates=gates,
    )


def _two_secrets(given: _Given) -> tuple[Account, Door]:
    """The site's account, and the door to its deployments. The stored secret holds both: the API token, a space, the
    client's secret. A certificate that is pinned is the site's, so the CAs count at Atlassian's own address."""
    options, end = given.options, given.endpoint
    both = given.account.secret.reveal().split()
    if len(both) != 2:
        raise ChangeLogin(
            f"The secret of {end.name} is not two: enter the API token, a space, and the client's secret."
        )
    site, client = Account(given.account.user, Secret(both[0])), Account(options["client_id"], Secret(both[1]))
    base = f"{options.get('gates_at') or ATLASSIAN}/jira/deployments/0.1/cloud/{options['cloud_id']}"
    there = Endpoint(end.name, base, end.ca_pem, "", end.mends)
    return site, Door(there, ByToken(client, "Bearer", atlassian), given.limit)


def _bmc(given: _Given) -> ChangeSystem:
    options = given.options
    login = ByToken(given.account, "AR-JWT", ar_jwt(options.get("login_path") or "/api/jwt/login"), OURS)
    calls = Forms(own_fields(options.get("fields", ""))) if options.get("calls") == FORMS else Simple()
    return Bmc(given.door(login), options.get("impact") or "4000", options.get("urgency") or "4000", calls)


def _webhook(given: _Given) -> ChangeSystem:
    options = given.options
    paths = options.get("read_path") or READ_PATH, options.get("post_path") or POST_PATH
    return Webhook(given.endpoint, given.keys, given.limit, *paths)


_MADE: Mapping[str, Callable[[_Given], ChangeSystem]] = {
    "servicenow": _servicenow,
    "jira": _jira,
    "bmc": _bmc,
    "webhook": _webhook,
}
_CHECKED: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "servicenow": _servicenow_problem,
    "jira": _jira_problem,
    "bmc": _bmc_problem,
    "webhook": _webhook_problem,
}
