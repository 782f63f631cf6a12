"""People and their roles, and the one question everything asks: may this person do that?"""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, User
from django.contrib.auth.password_validation import validate_password
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import OuterRef

from portal.access.models import Preference, Token
from portal.access.roles import ROLES, words
from portal.evidence import services as evidence
from portal.kernel.secret import Secret

Person = User | AbstractBaseUser | AnonymousUser


def roles_of(person: Person) -> list[str]:
    """The names of the person's roles, in the order of ROLES. A superuser is an administrator. One query per object."""
    if not isinstance(person, User) or not person.is_active:
        return []
    held: set[str] | None = getattr(person, "_roles", None)
    if held is None:
        held = _read(person)
    return [name for name in ROLES if name in held]


def _read(person: User) -> set[str]:
    row = read_whole(person.pk)
    person._roles = row._roles if row else {"admin"} if person.is_superuser else set()  # type: ignore[attr-defined]
    person._preference = row._preference if row else Preference(person=person)  # type: ignore[attr-defined]
    return person._roles  # type: ignore[attr-defined,no-any-return]


def read_whole(pk: int) -> User | None:
    """An account with its roles and preferences, in one query, since every page wants them."""
    groups = Group.objects.filter(user=OuterRef("pk")).values("name")
    row = User.objects.select_related("preference").annotate(held=ArraySubquery(groups)).filter(pk=pk).first()
    if row is not None:
        row._roles = set(row.held) | ({"admin"} if row.is_superuser else set())  # type: ignore[attr-defined]
        row._preference = getattr(row, "preference", None) or Preference(person=row)  # type: ignore[attr-defined]
    return row


def title_of(person: Person) -> str:
    """The titles of the person's roles, for the page's head."""
    return ", ".join(ROLES[name].title for name in roles_of(person))


def acts_of(person: Person) -> frozenset[str]:
    """Everything the person may do."""
    return frozenset[str]().union(*(ROLES[name].acts for name in roles_of(person)))


def may(person: Person, act: str, token: Token | None = None) -> bool:
    """Whether the person may do the act, with this token when there is one. Raises LookupError for an unknown act: a
    slip of the pen is no refusal."""
    words(act)
    return act in acts_of(person) and (token is None or act in token.scopes)


@transaction.atomic
def add_person(name: str, role: str, password: Secret, by: str, *, demo: bool = False) -> User:
    """A new account in one role. Raises ValueError with a sentence. Demo accounts are spared the password rules."""
    _known(role)
    if User.objects.filter(username__iexact=name).exists():
        raise ValueError(f"The account {name} exists already.")
    person = User(username=name)
    try:
        person.full_clean(exclude=["password"])
        if not demo:
            validate_password(password.reveal(), person)
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from None
    person.set_password(password.reveal())
    person.save()
    evidence.append("person.added", by, f"person:{name}", {"role": role})
    give_role(person, role, by)
    return person


@transaction.atomic
def give_role(person: User, role: str, by: str) -> None:
    """Puts the person into a role; an administrator also gets into Django's admin. Recorded."""
    _known(role)
    group, _ = Group.objects.get_or_create(name=role)
    if person.groups.filter(pk=group.pk).exists():
        return
    person.groups.add(group)
    _settle(person)
    evidence.append("role.given", by, f"person:{person.username}", {"role": role})


@transaction.atomic
def take_role(person: User, role: str, by: str) -> None:
    """Takes the person out of a role. Recorded."""
    _known(role)
    if not person.groups.filter(name=role).exists():
        return
    person.groups.remove(Group.objects.get(name=role))
    _settle(person)
    evidence.append("role.taken", by, f"person:{person.username}", {"role": role})


def preference_of(person: Person) -> Preference:
    """The person's preferences; the defaults, unsaved, when there are none. One query per object."""
    if not isinstance(person, User):
        return Preference()
    found: Preference | None = getattr(person, "_preference", None)
    if found is None:
        _read(person)
        found = person._preference  # type: ignore[attr-defined]
    return found


def _known(role: str) -> None:
    if role not in ROLES:
        raise ValueError(f"There is no role {role}. The roles are {', '.join(ROLES)}.")


def _settle(person: User) -> None:
    """Forgets the roles read before, and lets exactly administrators into Django's admin."""
    person.__dict__.pop("_roles", None)
    staff = "admin" in roles_of(person)
    person.__dict__.pop("_preference", None)  # read along, long before anybody wants it
    if person.is_staff != staff:
        person.is_staff = staff
        person.save(update_fields=["is_staff"])
