"""Django's admin behind the portal's own door: one login, refusals recorded."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.access.admission import require
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
