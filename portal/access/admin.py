"""People, roles and tokens in Django's admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from portal.access.guarded import Guarded
from portal.access.models import Token
from portal.access.roles import ROLES
from portal.access.services import give_role, revoke_token, roles_of, take_role

if TYPE_CHECKING:
    Accounts = UserAdmin[User]
    AccountForm = UserChangeForm[User]
    TokenModelForm = forms.ModelForm[Token]
else:
    Accounts = UserAdmin
    AccountForm = UserChangeForm
    TokenModelForm = forms.ModelForm

admin.site.unregister(User)
admin.site.unregister(Group)


class Roles(AccountForm):
    """An account and its roles."""

    roles = forms.MultipleChoiceField(
        choices=[(name, role.title) for name, role in ROLES.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "roles" in self.fields:
            self.fields["roles"].initial = roles_of(self.instance)


@admin.register(User)
class PersonAdmin(Guarded, Accounts):
    """Accounts. Nobody changes the own roles, and nobody makes a superuser here."""

    view = change = "access.manage"
    adds = True
    form = Roles
    list_display = ("username", "first_name", "last_name", "is_active", "roles_held")
    list_filter = ("is_active",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ["username", "password", "first_name", "last_name", "email", "is_active"]}),
        ("Roles", {"fields": ["roles"]}),
    )

    @admin.display(description="roles")
    def roles_held(self, person: User) -> str:
        return ", ".join(roles_of(person))

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The own roles are not in the own form."""
        shown = super().get_fieldsets(request, obj)
        return shown[:1] if obj is not None and obj.pk == request.user.pk else shown

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[Any], change: bool) -> None:
        """Roles go by the services that record them."""
        super().save_model(request, obj, form, change)
        if "roles" not in form.cleaned_data or obj.pk == request.user.pk:
            return
        wanted, held = set(form.cleaned_data["roles"]), set(roles_of(obj))
        by = request.user.get_username()
        for name in sorted(wanted - held):
            give_role(obj, name, by)
        for name in sorted(held - wanted):
            take_role(obj, name, by)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 (Django's name)
        """A superuser's password is set by a superuser."""
        person = self.get_object(request, id)
        if person is not None and person.is_superuser and not request.user.is_superuser:
            self.message_user(request, "A superuser's password is set by a superuser.", level="ERROR")
            return HttpResponse(status=302, headers={"Location": "../"})
        return super().user_change_password(request, id, form_url)


@admin.register(Token)
class TokenAdmin(Guarded):
    """Tokens are made by their owners (/preferences/tokens/) or at the command line; here they are seen and revoked."""

    view = change = "access.manage"
    list_display = ("owner", "name", "prefix", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("owner",)
    fields = ("owner", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    readonly_fields = fields

    class Revoke(TokenModelForm):
        revoke = forms.BooleanField(required=False, label="Revoke this token now")

    form = Revoke

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """With the one thing that can be done."""
        return [*self.readonly_fields, "revoke"]

    def save_model(self, request: HttpRequest, obj: Token, form: forms.ModelForm[Any], change: bool) -> None:
        """Revokes."""
        if form.cleaned_data["revoke"]:
            revoke_token(obj, by=request.user.get_username())
