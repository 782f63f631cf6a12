"""Routes of portal.access."""

from __future__ import annotations

from django.urls import path

from portal.access import exports, token_views, views

urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", views.Logout.as_view(), name="logout"),
    path("preferences/", views.preferences, name="preferences"),
    path("preferences/password/", views.Password.as_view(), name="password"),
    path("preferences/tokens/", token_views.tokens, name="tokens"),
    path("preferences/tokens/<int:pk>/revoke/", token_views.revoke, name="token-revoke"),
    path("evidence/export/", exports.export, name="evidence_export"),
    path("evidence/public-key.pem", exports.public_key, name="evidence_public_key"),
]
