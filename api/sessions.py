"""How does a person become signed in, and how do we know them again on the next request?

The steps of each act in their order: count, prove, then one transaction. Hashing a password takes
long, so it is done before the transaction, which then checks that the proof still holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from api.context import SignedIn
from api.errors import Unauthenticated
from api.principals import network_of
from api.rate_limits import Limit
from db import accounts
from db import sessions as store
from domain.people import InvalidCredentials, User, wrong_password
from domain.refusals import InvalidInput
from domain.sessions import SessionEnded
from gateways.tokens import InvalidToken, fingerprint, new_refresh_token

if TYPE_CHECKING:
    from api.context import Authenticate, Context
    from db.engine import Database
    from domain.people import Credentials, Registration
    from domain.sessions import OpenSession
    from gateways.settings import Settings
    from gateways.tokens import AccessTokens

_SIGN_IN_WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a client is given to act through a session: said once and never shown in a log."""

    user: User
    access_token: str = field(repr=False)
    access_token_expires_at: datetime
    refresh_token: str = field(repr=False)
    expires_at: datetime


def authenticator(database: Database, tokens: AccessTokens) -> Authenticate:
    """What turns a bearer token into its viewer, as the database knows them at that moment."""

    async def authenticate(bearer: str) -> SignedIn:
        try:
            claims = tokens.read(bearer)
        except InvalidToken as error:
            raise Unauthenticated(_NOT_GOOD) from error
        async with database.read() as connection:
            viewer = await store.viewer(
                connection, session_id=claims.session_id, user_id=claims.user_id
            )
        if viewer is None:
            raise Unauthenticated(_NOT_GOOD)
        return SignedIn(viewer=viewer, expires_at=claims.expires_at, token=bearer)

    return authenticate


_NOT_GOOD: Final = "The access token is not valid any more: refresh the session or sign in."


async def sign_up(ctx: Context, registration: Registration, password: str) -> Grant:
    """Make an account and sign its person in. Raises EmailTaken."""
    password_hash = await ctx.services.passwords.hash(password)
    token = new_refresh_token()
    async with ctx.begin() as tx:
        user = await accounts.create(tx, registration, password_hash=password_hash)
        opened = await store.open_for(
            tx, user, token_hash=fingerprint(token), lifetime=_lifetime(ctx.settings)
        )
    return _grant(ctx, opened, token)


async def sign_in(ctx: Context, email: str, password: str) -> Grant:
    """Sign in by a normalised address. Raises InvalidCredentials, RateLimited."""
    limit = _sign_in_limit(ctx.settings)
    # The address first: once it is spent, its tries no longer lock the account for its owner.
    await ctx.services.rate_limits.spend(limit, f"address:{network_of(ctx.address)}")
    await ctx.services.rate_limits.spend(limit, f"account:{email}")
    async with ctx.read() as connection:
        known = await accounts.credentials_by_email(connection, email)
    proved = await _proved(ctx, known, password)
    token = new_refresh_token()
    async with ctx.begin() as tx:
        opened = await store.sign_in(
            tx, proved, token_hash=fingerprint(token), lifetime=_lifetime(ctx.settings)
        )
    return _grant(ctx, opened, token)


async def refresh(ctx: Context, token: str) -> Grant:
    """Exchange a refresh token for the next one. Raises SessionEnded."""
    successor = new_refresh_token()
    async with ctx.begin() as tx:
        opened = await store.refresh(tx, shown=fingerprint(token), successor=fingerprint(successor))
    # Only now: a refusal may itself have ended the session, and that must be committed.
    if opened is None:
        raise SessionEnded
    return _grant(ctx, opened, successor)


async def change_password(ctx: Context, *, old: str, new: str) -> int:
    """Change the viewer's password and end their other sessions; how many ended.

    Raises InvalidInput, InvalidCredentials, RateLimited.
    """
    viewer = ctx.user
    async with ctx.read() as connection:
        known = await accounts.credentials_of(connection, viewer.user_id)
    email = known.user.email if known is not None else ""
    if errors := wrong_password("newPassword", new, email=email):
        raise InvalidInput(*errors)
    # Whoever holds a stolen access token must not find the password out by trying.
    limit = _sign_in_limit(ctx.settings)
    await ctx.services.rate_limits.spend(limit, f"password:{viewer.user_id}")
    proved = await _proved(ctx, known, old)
    new_hash = await ctx.services.passwords.hash(new)
    async with ctx.begin() as tx:
        return await store.change_password(tx, proved, new_hash=new_hash, keep=viewer.session_id)


async def _proved(ctx: Context, known: Credentials | None, password: str) -> Credentials:
    stored = known.password_hash if known is not None else None
    matches = await ctx.services.passwords.verify(stored, password)
    if known is None or not matches:
        raise InvalidCredentials
    return known


def _grant(ctx: Context, opened: OpenSession, refresh_token: str) -> Grant:
    access = ctx.services.tokens.issue(
        user_id=opened.user.id,
        role=opened.user.role,
        session_id=opened.session.id,
        session_expires_at=opened.session.expires_at,
    )
    return Grant(
        user=opened.user,
        access_token=access.text,
        access_token_expires_at=access.expires_at,
        refresh_token=refresh_token,
        expires_at=opened.session.expires_at,
    )


def _sign_in_limit(settings: Settings) -> Limit:
    return Limit(act="sign-in", amount=settings.sign_in_limit, window=_SIGN_IN_WINDOW)


def _lifetime(settings: Settings) -> timedelta:
    return timedelta(days=settings.session_days)
