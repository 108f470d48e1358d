"""Showing papers, taking them back, and finding them genuine."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids
from api.access import PUBLIC, SIGNED_IN, allow
from api.certifications import Certification
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.providers import Provider
from db import certifications, providers
from domain import certifications as domain
from domain import providers as domain_providers
from domain.people import Role
from domain.words import slug


@strawberry.type(directives=[PUBLIC], description="You have shown this paper already.")
class CertificationExists(Problem):
    """The provider has shown this paper already."""

    certification_id: strawberry.ID = strawberry.field(description="The one there is.")


@strawberry.type(directives=[PUBLIC], description="You show as many papers as can be shown.")
class TooManyCertifications(Problem):
    """The provider shows as many papers as can be shown."""

    limit: int = strawberry.field(description="How many can be shown.")


@strawberry.type(directives=[SIGNED_IN], description="The paper is shown, and will be verified.")
class AddCertificationSuccess:
    """The paper is shown."""

    certification: domain.ShownCertification = strawberry.field(
        graphql_type=Certification, description="The paper."
    )
    provider: domain_providers.Provider = strawberry.field(
        graphql_type=Provider, description="You, as complete as you are now."
    )


@strawberry.type(directives=[SIGNED_IN], description="The paper is shown no longer.")
class RemoveCertificationSuccess:
    """The paper is shown no longer."""

    certification: domain.ShownCertification = strawberry.field(
        graphql_type=Certification, description="The paper as it was."
    )
    provider: domain_providers.Provider = strawberry.field(
        graphql_type=Provider, description="Its provider, as complete as they are now."
    )


@strawberry.type(directives=[SIGNED_IN], description="The paper is genuine.")
class VerifyCertificationSuccess:
    """The paper is genuine."""

    certification: domain.ShownCertification = strawberry.field(
        graphql_type=Certification,
        description="The paper. It counts until it runs out: `valid` says whether it does today.",
    )
    provider: domain_providers.Provider = strawberry.field(
        graphql_type=Provider, description="Its provider."
    )


AddCertificationResult: TypeAlias = Annotated[
    AddCertificationSuccess | CertificationExists | TooManyCertifications | NotFound | InvalidInput,
    strawberry.union("AddCertificationResult", description="What came of addCertification."),
]
RemoveCertificationResult: TypeAlias = Annotated[
    RemoveCertificationSuccess | NotFound | InvalidInput,
    strawberry.union("RemoveCertificationResult", description="What came of removeCertification."),
]
VerifyCertificationResult: TypeAlias = Annotated[
    VerifyCertificationSuccess | NotFound | InvalidInput,
    strawberry.union("VerifyCertificationResult", description="What came of verifyCertification."),
]


@strawberry.input(description="A paper to show.")
class AddCertificationInput:
    """A paper to show."""

    code: str = strawberry.field(
        description="What services ask for it by: 2 to 50 small letters, digits and single "
        'hyphens, such as "gas-safe".'
    )
    name: str = strawberry.field(description="What it is called; 1 to 100 characters.")
    issuer: str = strawberry.field(description="Who has issued it; 1 to 100 characters.")
    number: str = strawberry.field(
        description="Its number, by which it can be looked up; 1 to 100 characters."
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="The last day on which it holds, today or later; null if it never runs out.",
    )


@strawberry.input(description="A paper to take back.")
class RemoveCertificationInput:
    """A paper to take back."""

    certification_id: strawberry.ID = strawberry.field(description="The paper.")

    @property
    def uid(self) -> UUID:
        """The paper's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Certification", self.certification_id, "certificationId")


@strawberry.input(description="A paper that was found genuine.")
class VerifyCertificationInput(RemoveCertificationInput):
    """A paper that was found genuine."""


@strawberry.type
class CertificationMutations:
    """Showing papers."""

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Show a paper of yours. It counts for work once the house has verified it, "
        "and until it runs out. To renew one, remove it and show the new one.",
        graphql_type=AddCertificationResult,
    )
    async def add_certification(self, info: Info, input: Given[AddCertificationInput]) -> Any:
        """Show a paper."""
        viewer = info.context.user
        async with info.context.begin() as tx:
            added = await certifications.add(
                tx,
                by=viewer,
                code=slug(input.code),
                name=input.name,
                issuer=input.issuer,
                number=input.number,
                expires_on=input.expires_on,
            )
            provider = await providers.get(tx, added.provider_id)
        return AddCertificationSuccess(certification=added.seen_by(viewer), provider=provider)

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER, Role.ADMIN)],
        description="Take a paper of yours back; admins take back whose that is not genuine. Open "
        "offers of work that asks for it are withdrawn; work that was taken with it stays.",
        graphql_type=RemoveCertificationResult,
    )
    async def remove_certification(self, info: Info, input: Given[RemoveCertificationInput]) -> Any:
        """Take a paper back."""
        viewer, uid = info.context.user, input.uid
        async with info.context.begin() as tx:
            removed = await certifications.remove(tx, certification_id=uid, by=viewer)
            provider = await providers.get(tx, removed.provider_id)
        return RemoveCertificationSuccess(certification=removed.seen_by(viewer), provider=provider)

    @strawberry.mutation(
        directives=[allow(Role.ADMIN)],
        description="Find a paper genuine. Once or twice is the same.",
        graphql_type=VerifyCertificationResult,
    )
    async def verify_certification(self, info: Info, input: Given[VerifyCertificationInput]) -> Any:
        """Find a paper genuine."""
        viewer, uid = info.context.user, input.uid
        async with info.context.begin() as tx:
            verified = await certifications.verify(tx, certification_id=uid, by=viewer)
            provider = await providers.get(tx, verified.provider_id)
        return VerifyCertificationSuccess(certification=verified.seen_by(viewer), provider=provider)


@problem_of.register
def _(refusal: domain.CertificationExists) -> Problem:
    return CertificationExists(
        message=str(refusal),
        code=ProblemCode.CERTIFICATION_EXISTS,
        path=["number"],
        certification_id=strawberry.ID(ids.encode("Certification", refusal.certification.id)),
    )


@problem_of.register
def _(refusal: domain.TooManyCertifications) -> Problem:
    return TooManyCertifications(
        message=str(refusal), code=ProblemCode.TOO_MANY, limit=refusal.limit
    )
