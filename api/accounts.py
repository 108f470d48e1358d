"""What can people do about their own account and sessions?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

import strawberry

from api import sessions
from api.access import PUBLIC, SIGNED_IN
from api.context import Info
from api.emails import account_name, new_address
from api.people import User
from api.problems import InvalidInput, Problem, ProblemCode, problem_of
from api.scalars import PhoneNumber, TimeZone
from api.views import view_of
from db import sessions as store
from domain import people, refusals
from domain.people import Role
from domain.sessions import SessionEnded as SessionEndedRefusal


@strawberry.type(directives=[PUBLIC], description="A sign-in, and the tokens to act through it.")
@view_of(sessions.Grant)
class Session:
    """A sign-in, and the tokens to act through it."""

    access_token: str = strawberry.field(
        description="Send it as `Authorization: Bearer …`, or as `authorization` in "
        "`connection_init`. A WebSocket closes when it lapses."
    )
    access_token_expires_at: datetime = strawberry.field(
        description="When the access token lapses. Refresh the session before."
    )
    refresh_token: str = strawberry.field(
        description="Good for one `refreshSession`, which gives the next. Showing it twice ends "
        "the session, as it means that two parties hold it."
    )
    expires_at: datetime = strawberry.field(
        description="When the session ends, however often it is refreshed."
    )
    user: User = strawberry.field(description="Who is signed in.")


@strawberry.type(directives=[PUBLIC], description="There is an account with this address already.")
class EmailTaken(Problem):
    """There is an account with this address already."""


@strawberry.type(
    directives=[PUBLIC],
    description="The e-mail address or the password is wrong, or the account is closed; all alike.",
)
class InvalidCredentials(Problem):
    """Wrong address, wrong password or closed account."""


@strawberry.type(
    directives=[PUBLIC],
    description="The refresh token is unknown, used already or of a session that is over; "
    "all alike. Sign in again.",
)
class SessionEnded(Problem):
    """This refresh token continues nothing."""


@problem_of.register
def _(refusal: people.EmailTaken) -> Problem:
    return EmailTaken(message=str(refusal), code=ProblemCode.EMAIL_TAKEN, path=["email"])


@problem_of.register
def _(refusal: people.InvalidCredentials) -> Problem:
    return InvalidCredentials(message=str(refusal), code=ProblemCode.INVALID_CREDENTIALS)


@problem_of.register
def _(refusal: SessionEndedRefusal) -> Problem:
    return SessionEnded(message=str(refusal), code=ProblemCode.SESSION_ENDED)


@strawberry.type(directives=[PUBLIC], description="The account is made and its owner signed in.")
class SignUpSuccess:
    """The account is made and its owner signed in."""

    session: sessions.Grant = strawberry.field(
        graphql_type=Session, description="The first session of the new account."
    )


@strawberry.type(directives=[PUBLIC], description="Signed in.")
class SignInSuccess:
    """Signed in."""

    session: sessions.Grant = strawberry.field(
        graphql_type=Session, description="The session that begins."
    )


@strawberry.type(directives=[PUBLIC], description="The session goes on.")
class RefreshSessionSuccess:
    """The session goes on."""

    session: sessions.Grant = strawberry.field(
        graphql_type=Session, description="The session, with its next tokens."
    )


@strawberry.type(directives=[SIGNED_IN], description="Signed out. Open sockets are closed.")
class SignOutSuccess:
    """Signed out."""

    ended_sessions: int = strawberry.field(description="How many sessions this ended.")


@strawberry.type(directives=[SIGNED_IN], description="The password is changed.")
class ChangePasswordSuccess:
    """The password is changed."""

    ended_sessions: int = strawberry.field(
        description="How many other sessions this ended. The present one goes on."
    )


SignUpResult: TypeAlias = Annotated[
    SignUpSuccess | EmailTaken | InvalidInput,
    strawberry.union("SignUpResult", description="What comes of signing up."),
]
SignInResult: TypeAlias = Annotated[
    SignInSuccess | InvalidCredentials,
    strawberry.union("SignInResult", description="What comes of signing in."),
]
RefreshSessionResult: TypeAlias = Annotated[
    RefreshSessionSuccess | SessionEnded,
    strawberry.union("RefreshSessionResult", description="What comes of refreshing a session."),
]
SignOutResult: TypeAlias = Annotated[
    SignOutSuccess,
    strawberry.union("SignOutResult", description="What comes of signing out."),
]
ChangePasswordResult: TypeAlias = Annotated[
    ChangePasswordSuccess | InvalidCredentials | InvalidInput,
    strawberry.union("ChangePasswordResult", description="What comes of changing a password."),
]


@strawberry.input(description="A new account.")
class SignUpInput:
    """A new account."""

    __repr__ = object.__repr__  # the fields would show the password

    email: str = strawberry.field(description="The e-mail address to sign in with.")
    password: str = strawberry.field(
        description=f"{people.MIN_PASSWORD} to {people.MAX_PASSWORD} characters, "
        "and not the e-mail address."
    )
    given_name: str = strawberry.field(description=f"First name, at most {people.MAX_NAME} long.")
    family_name: str = strawberry.field(description=f"Last name, at most {people.MAX_NAME} long.")
    role: Role = strawberry.field(
        default=Role.CUSTOMER, description="CUSTOMER or PROVIDER; an admin gives the others."
    )
    phone: PhoneNumber | None = strawberry.field(
        default=None, description="Telephone number with its country code."
    )
    time_zone: TimeZone | None = strawberry.field(
        default=None, description="Where they live; the house's own time zone if not given."
    )


@strawberry.input(description="Proof of who someone is.")
class SignInInput:
    """Proof of who someone is."""

    __repr__ = object.__repr__  # the fields would show the password

    email: str = strawberry.field(description="The e-mail address of the account.")
    password: str = strawberry.field(description="The password of the account.")


@strawberry.input(description="The right to continue a session.")
class RefreshSessionInput:
    """The right to continue a session."""

    __repr__ = object.__repr__  # the field would show the token

    refresh_token: str = strawberry.field(description="The latest refresh token of the session.")


@strawberry.input(description="Which sessions to end.")
class SignOutInput:
    """Which sessions to end."""

    everywhere: bool = strawberry.field(
        default=False, description="End every session of yours, not only the present one."
    )


@strawberry.input(description="The password of now and the one to come.")
class ChangePasswordInput:
    """The password of now and the one to come."""

    __repr__ = object.__repr__  # the fields would show the passwords

    old_password: str = strawberry.field(description="The password of now.")
    new_password: str = strawberry.field(
        description=f"{people.MIN_PASSWORD} to {people.MAX_PASSWORD} characters, "
        "and not the e-mail address."
    )


@strawberry.type
class AccountMutations:
    """What a person can do about their account and sessions."""

    @strawberry.mutation(
        directives=[PUBLIC], description="Make an account, as a customer or a provider."
    )
    async def sign_up(
        self,
        info: Info,
        input: Annotated[SignUpInput, strawberry.argument(description="The new account.")],
    ) -> SignUpResult:
        """Make an account and sign in."""
        registration = _registration(input, time_zone=info.context.settings.business_time_zone)
        grant = await sessions.sign_up(info.context, registration, input.password)
        return SignUpSuccess(session=grant)

    @strawberry.mutation(
        directives=[PUBLIC],
        description="Sign in. Tries are counted for each account and for each address.",
    )
    async def sign_in(
        self,
        info: Info,
        input: Annotated[SignInInput, strawberry.argument(description="Proof of who it is.")],
    ) -> SignInResult:
        """Sign in."""
        grant = await sessions.sign_in(info.context, account_name(input.email), input.password)
        return SignInSuccess(session=grant)

    @strawberry.mutation(
        directives=[PUBLIC],
        description="Exchange a refresh token for the next tokens, once. Send no access token "
        "with it: one that has lapsed refuses the whole request.",
    )
    async def refresh_session(
        self,
        info: Info,
        input: Annotated[
            RefreshSessionInput, strawberry.argument(description="The latest refresh token.")
        ],
    ) -> RefreshSessionResult:
        """Continue a session."""
        grant = await sessions.refresh(info.context, input.refresh_token)
        return RefreshSessionSuccess(session=grant)

    @strawberry.mutation(
        directives=[SIGNED_IN], description="End the present session, or all of yours."
    )
    async def sign_out(
        self,
        info: Info,
        input: Annotated[SignOutInput, strawberry.argument(description="Which sessions.")],
    ) -> SignOutResult:
        """Sign out."""
        ctx = info.context
        async with ctx.begin() as tx:
            ended = await store.sign_out(tx, ctx.user, everywhere=input.everywhere)
        return SignOutSuccess(ended_sessions=ended)

    @strawberry.mutation(
        directives=[SIGNED_IN],
        description="Change your password. Every other session of yours ends.",
    )
    async def change_password(
        self,
        info: Info,
        input: Annotated[
            ChangePasswordInput, strawberry.argument(description="The old one and the new one.")
        ],
    ) -> ChangePasswordResult:
        """Change the password."""
        ended = await sessions.change_password(
            info.context, old=input.old_password, new=input.new_password
        )
        return ChangePasswordSuccess(ended_sessions=ended)


def _registration(input: SignUpInput, *, time_zone: str) -> people.Registration:
    """What was said, checked as a whole: every wrong field is named at once."""
    email, wrong_email = new_address(input.email)
    registration = people.Registration(
        email=email,
        role=input.role,
        given_name=input.given_name.strip(),
        family_name=input.family_name.strip(),
        phone=input.phone,
        time_zone=input.time_zone or time_zone,
    )
    wrong_password = people.wrong_password("password", input.password, email=email)
    if errors := (*wrong_email, *wrong_password, *registration.wrong_fields()):
        raise refusals.InvalidInput(*errors)
    return registration
