"""Migrations by the settings alone: the owner's DSN makes roles, and each role's password is the one in its DSN."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from runtime.settings import Login, Settings
from store.migrations import RolePasswords
from store.migrations import migrate as migrate_store


def migrate(settings: Settings) -> None:
    """Bring the databases of the settings to today's tables; safe when two start at once."""
    vault_owner = settings.postgres_vault_owner_dsn
    migrate_store(
        settings.dsn(Login.OWNER),
        role_passwords(settings),
        vault_owner.get_secret_value() if vault_owner else None,
    )


def role_passwords(settings: Settings) -> RolePasswords:
    """Each login's password, out of its DSN."""
    logins = [login for login in Login if login is not Login.OWNER]
    return RolePasswords(**{login: _password(settings.dsn(login)) for login in logins})


def _password(dsn: str) -> str:
    return unquote(urlsplit(dsn).password or "")
