"""What can be said of a piece of work in one word, for front ends to choose from."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from api.access import PUBLIC
from api.enums import describe
from api.views import view_of
from domain import keywords as domain
from domain.refusals import FieldError, InvalidInput

#: Room for the table to grow in; it is also what asking for all of it costs.
MOST = 200

KeywordGroup = describe(
    domain.KeywordGroup,
    "What kind of work a keyword speaks of.",
    DIAGNOSTICS="Finding out what is wrong with a vehicle.",
    INSTALLATIONS="Putting in what was not there.",
    REPAIRS="Putting right what is broken, mostly on a vehicle.",
    MAINTENANCE="What a vehicle needs from time to time.",
    BRANDS="Work with one brand's own tools.",
    CLEANING="What is to be cleaned, and of what.",
    FACILITIES="What is to be put right in a building.",
)


@strawberry.type(directives=[PUBLIC], description="One word for a piece of work.")
@view_of(domain.Keyword)
class Keyword:
    """A keyword."""

    name: str = strawberry.field(description="Its only name, in lower case.")
    group: domain.KeywordGroup = strawberry.field(description="What kind of work it speaks of.")


@strawberry.type
class KeywordQueries:
    """Reading the keywords."""

    @strawberry.field(
        directives=[PUBLIC],
        description="All keywords that are found in concerns, in the order in which they are named "
        "there. Providers choose theirs from these.",
        graphql_type=list[Keyword],
    )
    def keywords(
        self,
        first: Annotated[
            int, strawberry.argument(description=f"How many at most, up to {MOST}.")
        ] = MOST,
    ) -> Any:
        """The keywords."""
        if not 1 <= first <= MOST:
            raise InvalidInput(FieldError(path=("first",), message=f"Must be from 1 to {MOST}."))
        return domain.KEYWORDS[:first]
