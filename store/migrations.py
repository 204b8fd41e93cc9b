"""Bring a database to today's tables and roles; safe when two start at once, and after a kill at any point.

yoyo applies the files of `store/migrations/<schema>/` as the owner role. Its own lock is a committed row that
outlives a killed process, so a row lock that dies with its connection stands around it, and whoever holds that may
break yoyo's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from pydantic import Field
from yoyo import get_backend, read_migrations

from schemas.ledger import Frozen

MIGRATIONS = Path(__file__).parent / "migrations"
OWNER = "xuanshu_owner"
LEDGER_SCHEMAS = ("ledger", "ballot", "views")
VAULT_SCHEMAS = ("vault",)

# What two sessions that make the same role or schema at once may get; the loser looks again and finds it made.
_RACES = (
    psycopg.errors.DuplicateObject,
    psycopg.errors.DuplicateSchema,
    psycopg.errors.DuplicateTable,
    psycopg.errors.UniqueViolation,
    psycopg.errors.InternalError_,  # "tuple concurrently updated"
)
_RACE_TRIES = 20


class RolePasswords(Frozen):
    """The passwords of the login roles."""

    migrator: str = Field(repr=False)
    app: str = Field(repr=False)
    sequencer: str = Field(repr=False)
    auditor: str = Field(repr=False)
    vault: str = Field(repr=False)
    web: str = Field(repr=False)

    @classmethod
    def all_alike(cls, password: str) -> RolePasswords:
        """One password for every role: for tests and rehearsals on this machine."""
        return cls(**dict.fromkeys(cls.model_fields, password))


class RoleDsns(Frozen):
    """Where each role connects."""

    migrator: str = Field(repr=False)
    app: str = Field(repr=False)
    sequencer: str = Field(repr=False)
    auditor: str = Field(repr=False)
    vault: str = Field(repr=False)
    web: str = Field(repr=False)


def role_dsns(owner_dsn: str, passwords: RolePasswords) -> RoleDsns:
    """The owner's DSN (`postgresql://…`) with each role's name and password in place of the owner's."""
    return RoleDsns(
        **{role: _as_role(owner_dsn, role, secret) for role, secret in passwords.model_dump().items()}
    )


def migrate(owner_dsn: str, passwords: RolePasswords, vault_owner_dsn: str | None = None) -> None:
    """Make or update roles, schemas, tables and functions; `vault_owner_dsn` if the vault has its own server.

    Needs a login that may create roles and schemas. Raises psycopg's errors.
    """
    _migrate(owner_dsn, passwords, LEDGER_SCHEMAS)
    _migrate(vault_owner_dsn or owner_dsn, passwords, VAULT_SCHEMAS)


def _migrate(owner_dsn: str, passwords: RolePasswords, schemas: tuple[str, ...]) -> None:
    with psycopg.connect(owner_dsn, autocommit=True) as admin:
        _until_nobody_races(lambda: _ensure_roles(admin, passwords))
        for schema in schemas:
            _until_nobody_races(lambda name=schema: _ensure_schema(admin, name))  # type: ignore[misc]
    migrator = _as_role(owner_dsn, "migrator", passwords.migrator)
    for schema in schemas:
        with _alone(migrator, schema):
            _apply(migrator, schema)


def _apply(migrator_dsn: str, schema: str) -> None:
    backend = get_backend(_yoyo_uri(migrator_dsn, schema))
    with backend:
        backend.break_lock()
        with backend.lock():
            backend.apply_migrations(backend.to_apply(read_migrations(str(MIGRATIONS / schema))))


def _ensure_roles(admin: psycopg.Connection, passwords: RolePasswords) -> None:
    with admin.transaction():
        known = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles")}
        if OWNER not in known:
            admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(OWNER)))
        for role, password in passwords.model_dump().items():
            verb = "ALTER" if role_name(role) in known else "CREATE"
            statement = sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
            admin.execute(statement.format(sql.Identifier(role_name(role)), sql.Literal(password)))
        admin.execute(
            sql.SQL("GRANT {} TO {}, CURRENT_USER").format(
                sql.Identifier(OWNER), sql.Identifier(role_name("migrator"))
            )
        )


def _ensure_schema(admin: psycopg.Connection, schema: str) -> None:
    names = {"schema": sql.Identifier(schema), "owner": sql.Identifier(OWNER)}
    with admin.transaction():
        admin.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}").format(**names))
        admin.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {schema}.migration_lock (one boolean PRIMARY KEY)").format(
                **names
            )
        )
        admin.execute(sql.SQL("ALTER TABLE {schema}.migration_lock OWNER TO {owner}").format(**names))
        admin.execute(
            sql.SQL("INSERT INTO {schema}.migration_lock VALUES (true) ON CONFLICT DO NOTHING").format(
                **names
            )
        )


@contextmanager
def _alone(migrator_dsn: str, schema: str) -> Iterator[None]:
    """Hold the schema's migration row; the lock ends with the connection, however it ends."""
    with psycopg.connect(migrator_dsn, options=f"-c role={OWNER}") as connection:
        connection.execute(
            sql.SQL("SELECT FROM {}.migration_lock FOR UPDATE").format(sql.Identifier(schema))
        ).fetchall()
        yield


def _until_nobody_races(act: Callable[[], None]) -> None:
    for _ in range(_RACE_TRIES):
        try:
            return act()
        except _RACES:
            time.sleep(0.05)
    return act()


def role_name(role: str) -> str:
    """The name in Postgres of a role of `RolePasswords`."""
    return f"xuanshu_{role}"


def _as_role(dsn: str, role: str, password: str) -> str:
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role_name(role)}:{quote(password, safe='')}@{place}"))


def _yoyo_uri(dsn: str, schema: str) -> str:
    parts = urlsplit(dsn)
    asked = urlencode({"schema": schema, "options": f"-c role={OWNER}"}, quote_via=quote)
    query = f"{parts.query}&{asked}" if parts.query else asked
    return urlunsplit(parts._replace(scheme="postgresql+psycopg", query=query))
