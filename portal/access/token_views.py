"""A person's own API tokens in the browser: make one, which shows it once, and revoke one."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from portal.access.admission import refusal, to_login, trace
from portal.access.forms import TokenForm
from portal.access.models import Token
from portal.access.roles import ACTS, words
from portal.access.services import acts_of, create_token, revoke_token
from portal.evidence import services as evidence
from portal.kernel.secret import Secret

SHOWN = 100  # tokens of one person, the newest first
Made = tuple[Token, Secret]


@dataclass(frozen=True)
class Row:
    """One token as its row shows it. acts: its scopes in words; lost: those that the owner's roles no longer allow."""

    token: Token
    shape: str
    word: str
    acts: list[str]
    lost: list[str]

    @property
    def works(self) -> bool:
        return self.shape == "ok"


def tokens(request: HttpRequest) -> HttpResponse:
    """GET shows the person's tokens, POST makes one. Its text is in this one answer and nowhere else."""
    if not isinstance(request.user, User):
        return _login(request)
    form = TokenForm(request.POST or None, acts=acts_of(request.user))
    made = None
    if request.method == "POST":
        _refuse_beyond(request, request.user)
        if form.is_valid() and _is_owner(request, request.user, form):
            made = _make(request.user, form)
    context = {"form": TokenForm(None, acts=acts_of(request.user)) if made else form, "rows": _rows(request.user)}
    if made:
        context |= {"made": made[0], "text": made[1].reveal()}
    answer = render(request, "access/tokens.html", context, status=422 if form.is_bound and not made else 200)
    answer["Cache-Control"] = "no-store"
    return answer


def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what ends with the token, POST ends it. Only one's own: an administrator revokes others' in the
    administration."""
    if not isinstance(request.user, User):
        return _login(request)
    token = Token.objects.filter(pk=pk, owner=request.user).first()
    if token is None:
        raise Http404("You have no such token.")
    if request.method != "POST":
        return render(request, "access/token_revoke.html", {"row": _row(token, request.user)})
    if revoke_token(token, request.user.get_username()):
        messages.success(request, f"The token {token.name} is revoked and opens nothing any more.")
    return redirect("tokens")


def _login(request: HttpRequest) -> HttpResponse:
    answer = to_login(request)
    assert isinstance(answer, HttpResponse)
    return answer


def _refuse_beyond(request: HttpRequest, person: User) -> None:
    """Scopes that the person may not have are not on the form: who sends one is refused, and that is recorded."""
    beyond = sorted(set(request.POST.getlist("scopes")) & ACTS.keys() - acts_of(person))
    if beyond:
        raise refusal(request, beyond[0], what=f"make a token to {words(beyond[0])}")


def _is_owner(request: HttpRequest, person: User, form: TokenForm) -> bool:
    """Whether the password is the person's: a session left open must not become a token that outlives it. Failures
    count as failed logins, so that they lock."""
    name, password = person.get_username(), form.cleaned_data["password"]
    if authenticate(request, username=name, password=password) is not None:
        return True
    locked = bool(getattr(request, "axes_locked_out", False))
    evidence.append("token.refused", name, f"person:{name}", {"locked": locked, **trace(request)})
    form.add_error("password", "Too many failures: wait a quarter of an hour." if locked else "The password is wrong.")
    return False


def _make(person: User, form: TokenForm) -> Made | None:
    asked = form.cleaned_data
    try:
        return create_token(person, asked["name"], asked["scopes"], asked["days"], person.get_username())
    except ValueError as error:
        form.add_error(None, str(error))
        return None


def _rows(person: User) -> list[Row]:
    """What works comes first."""
    found = Token.objects.filter(owner=person).order_by("-created_at", "-pk")[:SHOWN]
    return sorted((_row(token, person) for token in found), key=lambda row: not row.works)


def _row(token: Token, person: User) -> Row:
    shape, word = "ok", "Works"
    if token.revoked_at:
        shape, word = "waiting", "Revoked"
    elif token.expires_at <= timezone.now():
        shape, word = "waiting", "Expired"
    held = acts_of(person)
    acts = [ACTS.get(act, act) for act in token.scopes]
    return Row(token, shape, word, acts, [ACTS.get(act, act) for act in token.scopes if act not in held])
