"""What does a request hear when it cannot be answered?

Errors that a client is meant to read are `ApiError`s: each has a code to act on and says, where it
helps, when to try again. Everything else is a fault of ours: it is masked, and the log has the id.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from graphql import GraphQLError


class ApiError(GraphQLError):
    """An error that may be shown to the client as it is."""

    code: ClassVar[str] = "BAD_REQUEST"
    #: The HTTP status of a response that is nothing but this error.
    status: ClassVar[int] = 400

    def __init__(self, message: str, *, nodes: Any = None, path: Any = None, **facts: Any) -> None:
        """`facts` go beside the code, for a program to act on."""
        super().__init__(
            message,
            nodes,
            path=path,
            extensions={"code": self.code, **{k: v for k, v in facts.items() if v is not None}},
        )


class BadRequest(ApiError):
    """The request is not a GraphQL request."""


class PayloadTooLarge(ApiError):
    """The body is larger than any real request."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class UnsupportedMediaType(ApiError):
    """The body is of a type that we do not read."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class NotAcceptable(ApiError):
    """None of the types the client accepts is one that we write."""

    code = "NOT_ACCEPTABLE"
    status = 406


class MethodNotAllowed(ApiError):
    """This operation cannot be sent in this way."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class OriginNotAllowed(ApiError):
    """The page that made the request comes from somewhere we do not know."""

    code = "ORIGIN_NOT_ALLOWED"
    status = 403


class ParseFailed(ApiError):
    """The document is not GraphQL."""

    code = "GRAPHQL_PARSE_FAILED"


class ValidationFailed(ApiError):
    """The document asks for something that the schema does not have."""

    code = "GRAPHQL_VALIDATION_FAILED"


class BadUserInput(ApiError):
    """A variable or argument has a wrong value; `field` says which."""

    code = "BAD_USER_INPUT"


class NotFound(ApiError):
    """No such thing, or the viewer may not see it: the two answer alike."""

    code = "NOT_FOUND"


class Unauthenticated(ApiError):
    """The request needs a signed-in viewer and has none, or its token is no longer good."""

    code = "UNAUTHENTICATED"
    status = 401

    def __init__(
        self, message: str = "Sign in, and send the access token.", *, nodes: Any = None
    ) -> None:
        super().__init__(message, nodes=nodes)


class Forbidden(ApiError):
    """The viewer's role may not use this."""

    code = "FORBIDDEN"
    status = 403


class TooComplex(ApiError):
    """The operation is deeper, dearer or wider than the limits allow."""

    code = "TOO_COMPLEX"


class Retryable(ApiError):
    """Nothing is wrong with the request; the same one may succeed after `retryAfter` seconds."""

    def __init__(self, message: str, *, retry_after: float, **facts: Any) -> None:
        #: Whole seconds, so that it serves as the Retry-After header too.
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__(message, retryAfter=self.retry_after, **facts)


class RateLimited(Retryable):
    """The caller's budget is spent."""

    code = "RATE_LIMITED"
    status = 429

    def __init__(self, message: str, *, retry_after: float, remaining: float = 0) -> None:
        super().__init__(message, retry_after=retry_after)
        #: What is left of the budget.
        self.remaining = remaining


class TooSlow(Retryable):
    """The client read its stream too slowly; it resumes with the last `cursor` that it saw."""

    code = "TOO_SLOW"
    status = 429


class TooMany(ApiError):
    """As many of these are open already as one client may have."""

    code = "TOO_MANY"
    status = 429


class Busy(Retryable):
    """Others held what this act needs for longer than we wait."""

    code = "BUSY"
    status = 503


class Unavailable(Retryable):
    """A part that this needs is away."""

    code = "UNAVAILABLE"
    status = 503


class Internal(ApiError):
    """A fault of ours, masked. `errorId` is in the log beside the traceback."""

    code = "INTERNAL"
    status = 500

    def __init__(self, error_id: str) -> None:
        super().__init__(f"Something went wrong. Quote this id: {error_id}.", errorId=error_id)
