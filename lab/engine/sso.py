"""The engine's SSO: tokens, status, logout (facts/engine-api.md 1.2 to 1.5)."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping

from aiohttp import web

from lab.audit import record
from lab.engine.state import Account, Engine, Session

SCOPES = (
    "ovirt-app-api ovirt-ext=token-info:authz-search ovirt-ext=token-info:public-authz-search "
    "ovirt-ext=token-info:validate ovirt-ext=token:password-access"
)
NEVER = "9223372036854775807"
INNER = "Unable to log in. Verify your login information or contact the system administrator."
GRANTS = ("password", "urn:ovirt:params:oauth:grant-type:http", "authorization_code")


def _json(body: Mapping[str, str], status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")


def refusal(scope: str, code: str, message: str) -> web.Response:
    """Always HTTP 400; the keys depend on whether the API's scope was asked for."""
    if "ovirt-app-api" in scope.split():
        return _json({"error_code": code, "error": message}, 400)
    return _json({"error": code, "error_description": message}, 400)


def _opaque(engine: Engine, account: Account) -> str:
    if not engine.jwt:
        return secrets.token_urlsafe(64)
    head = {"alg": "RS256", "typ": "JWT", "kid": secrets.token_urlsafe(32)}
    body = {"sub": account.id, "preferred_username": account.username, "jti": secrets.token_hex(128)}
    parts = [json.dumps(head).encode(), json.dumps(body).encode(), secrets.token_bytes(256)]
    return ".".join([base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts])


def check(engine: Engine, username: str, password: str, client: str) -> Account | None:
    """The account, or None after a failed-login event."""
    account = engine.accounts.get(username)
    if account and secrets.compare_digest(account.password.encode(), password.encode()):
        return account
    text = f"User {username} connecting from '{client}' failed to log in : '{INNER}'."
    record(engine.world, 114, "error", text)
    return None


async def token(engine: Engine, request: web.Request) -> web.Response:
    """POST (or GET) /ovirt-engine/sso/oauth/token."""
    form = {**dict(request.query), **{k: str(v) for k, v in (await request.post()).items()}}
    scope = form.get("scope", "")
    if request.headers.get("Accept") != "application/json":
        return refusal(scope, "invalid_request", "Missing parameter: 'Accept Header'")
    if not form.get("grant_type"):
        return refusal(scope, "invalid_request", "Missing parameter: 'grant_type'")
    if engine.fault("db_down"):
        return refusal(scope, "server_error", "Internal Server Error")
    if form["grant_type"] not in GRANTS:
        return refusal(scope, "unsupported_grant_type", f"Unsupported grant type: {form['grant_type']}")
    for name in ("username", "password"):
        if name not in form:
            return refusal(scope, "invalid_request", f"Missing parameter: '{name}'")
    return _grant(engine, form, scope, request.remote or "127.0.0.1")


def _grant(engine: Engine, form: Mapping[str, str], scope: str, client: str) -> web.Response:
    username = form["username"]
    if "@" not in username:
        return refusal(
            scope, "access_denied", f"Cannot authenticate user No valid profile found in credentials..: {username}"
        )
    account = check(engine, username, form["password"], client)
    if account is None:
        return refusal(scope, "access_denied", f"Cannot authenticate user '{username}': {INNER}.")
    made = _opaque(engine, account)
    engine.tokens[made] = Session(account, engine.now)
    granted = SCOPES if "ovirt-app-api" in scope.split() else scope
    return _json({"access_token": made, "scope": granted, "exp": NEVER, "token_type": "bearer"})


def opened(engine: Engine, session: Session, client: str) -> None:
    """The first use of a token makes the engine session, and the login event."""
    session.opened = True
    text = f"User {session.account.shown} connecting from '{client}' using session '{secrets.token_hex(8)}' logged in."
    record(engine.world, 30, "normal", text, user=session.account.id)


def closed(engine: Engine, session: Session, client: str) -> None:
    """The logout event of a session that had begun."""
    if session.opened:
        text = f"User {session.account.shown} connected from '{client}' logged out."
        record(engine.world, 31, "normal", text, user=session.account.id)


async def revoke(engine: Engine, request: web.Request) -> web.Response:
    """POST /ovirt-engine/services/sso-logout: always 200, an error only inside the JSON."""
    form = await request.post()
    session = engine.tokens.pop(str(form.get("token", "")), None)
    if session is None:
        return _json({"error": "invalid_grant", "error_code": "invalid_grant"})
    closed(engine, session, request.remote or "127.0.0.1")
    return _json({})


def status(engine: Engine) -> web.Response:
    """GET /ovirt-engine/sso/status: needs no login."""
    version = engine.version.split("-", maxsplit=1)[0]
    return _json({"status": "active", "status_description": "SSO Webapp Deployed", "version": version})


def authenticate(engine: Engine, request: web.Request) -> Session | None:
    """The session of a request: a bearer token, or basic credentials that log in and out on every request."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    client = request.remote or "127.0.0.1"
    if kind.lower() == "bearer":
        session = engine.touch(value.strip())
        if session is not None and not session.opened:
            opened(engine, session, client)
        return session
    if kind.lower() == "basic":
        return _basic(engine, value, client)
    return None


def _basic(engine: Engine, value: str, client: str) -> Session | None:
    try:
        username, _, password = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return None
    account = check(engine, username, password, client)
    if account is None:
        return None
    session = Session(account, engine.now)
    opened(engine, session, client)
    closed(engine, session, client)
    return session
