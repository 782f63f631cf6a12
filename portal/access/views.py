"""Logging in and out, the own password, the own preferences. Every login, logout and failure is recorded."""

from __future__ import annotations

from datetime import datetime

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from portal.access.address import client_address
from portal.access.admission import first_in_a_while, to_login, trace
from portal.access.forms import LoginForm, PreferenceForm
from portal.access.services import preference_of
from portal.evidence import services as evidence


class Login(auth.LoginView):
    """The one way in for people; Django's admin uses it too."""

    authentication_form = LoginForm
    redirect_authenticated_user = True

    @transaction.atomic
    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """No session without its record."""
        response = super().form_valid(form)
        name = form.get_user().get_username()
        evidence.append("access.login", name, f"person:{name}", trace(self.request))
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Wrong, or locked: then 429 and since when, until when."""
        name = form.cleaned_data.get("username", "")
        known = User.objects.filter(username=name).exists()
        locked = bool(getattr(self.request, "axes_locked_out", False))
        if not locked or first_in_a_while("locked", name, str(client_address(self.request))):
            # an unknown name is not written down: it may be a password in the wrong field
            subject = f"person:{name}" if known else "person:unknown"
            evidence.append("access.login_failed", "anonymous", subject, {"locked": locked, **trace(self.request)})
        if not locked:
            return super().form_invalid(form)
        return self._locked(form, name)

    def _locked(self, form: AuthenticationForm, name: str) -> HttpResponse:
        until = _locked_until(self.request, name)
        local = timezone.localtime(until)
        form.errors.clear()
        form.add_error(
            None,
            f"Login is locked for this name from this address after too many failures. Try again at {local:%H:%M %Z}.",
        )
        response = super().form_invalid(form)
        response.status_code = 429
        response.headers["Retry-After"] = str(max(1, int((until - timezone.now()).total_seconds()) + 1))
        return response


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: object = None) -> HttpResponse:
    """What django-axes answers when a name is locked: the login page's own answer stands."""
    return response if response is not None else HttpResponse("Login is locked.", status=429, content_type="text/plain")


def _locked_until(request: HttpRequest, name: str) -> datetime:
    tries = AccessAttempt.objects.filter(username=name, ip_address=client_address(request))
    latest = tries.order_by("-attempt_time").values_list("attempt_time", flat=True).first()
    return (latest or timezone.now()) + get_cool_off(request)  # type: ignore[no-any-return]


class Logout(auth.LogoutView):
    """Ends the session."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Recorded first."""
        if request.user.is_authenticated:
            name = request.user.get_username()
            evidence.append("access.logout", name, f"person:{name}", trace(request))
        return super().post(request, *args, **kwargs)


class Password(auth.PasswordChangeView):
    """The own password; other sessions of the person end."""

    template_name = "access/password.html"

    @transaction.atomic
    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Changes and records."""
        form.save()
        update_session_auth_hash(self.request, form.user)
        evidence.append("password.changed", form.user.username, f"person:{form.user.username}", trace(self.request))
        messages.success(self.request, "The password is changed. Your other sessions have ended.")
        return redirect("preferences")


def preferences(request: HttpRequest) -> HttpResponse:
    """GET shows the person's preferences, POST saves them and comes back."""
    if not request.user.is_authenticated:
        answer = to_login(request)
        assert isinstance(answer, HttpResponse)
        return answer
    form = PreferenceForm(request.POST or None, instance=preference_of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "The preferences are saved.")
        return redirect("preferences")
    status = 422 if form.is_bound else 200
    return render(request, "access/preferences.html", {"form": form}, status=status)
