"""Django's admin behind the portal's own door: one login, refusals recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from portal.access.admission import Denied, refusal, require
from portal.access.services import may
from portal.access.views import Logout

DOOR = "estate.manage"


class PortalAdminSite(AdminSite):
    """The back office for administrators."""

    site_header = "Holdfast administration"
    site_title = "Holdfast"
    index_title = "Estate, people and evidence"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Administrators only; what they may do with each table, its ModelAdmin says."""
        return request.user.is_active and may(request.user, DOOR)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """What a ModelAdmin refuses goes on record too."""
        inner: Callable[..., HttpResponseBase] = super().admin_view(view, cacheable)

        @wraps(inner)
        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return inner(request, *args, **kwargs)
            except Denied:
                raise
            except PermissionDenied:
                raise refusal(request, DOOR, what="change what is only to read here") from None

        return gate

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Nobody logs in here: to the portal's login, or a recorded refusal for who is logged in already."""
        back = request.GET.get("next", "/admin/")
        if not request.user.is_authenticated:
            return redirect_to_login(back)
        require(request, DOOR)
        return redirect("admin:index")

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The portal's own."""
        return Logout.as_view()(request)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The portal's own."""
        return redirect("password")
