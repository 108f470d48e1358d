"""Does the schema say who may use what, everywhere?"""

from __future__ import annotations

from enum import Enum

import strawberry

from api.access import EVERY_ROLE, EVERYONE, PUBLIC, SIGNED_IN, allow, gaps, permitted
from api.schema import build, core, whole
from domain.people import Role
from tests.api.door import SCHEMA


@strawberry.enum
class Shade(Enum):
    LIGHT = "light"


@strawberry.type
class Bare:
    shade: Shade


@strawberry.type
class BareQueries:
    @strawberry.field
    def bare(self, size: int) -> Bare | None:
        return None if size else Bare(shade=Shade.LIGHT)


@strawberry.interface(directives=[SIGNED_IN], description="An animal.")
class Animal:
    name: str = strawberry.field(description="Its name.")


@strawberry.type(directives=[SIGNED_IN], description="A cat.")
class Cat(Animal):
    pass


@strawberry.type(directives=[allow(Role.ADMIN)], description="A unicorn.")
class Unicorn(Animal):
    pass


@strawberry.type
class AnimalQueries:
    @strawberry.field(directives=[SIGNED_IN], description="Any.")
    def animal(self) -> Animal | None:
        return None


def test_the_schema_says_who_may_use_each_field() -> None:
    sdl = SCHEMA.as_str()
    assert "staff: String! @access(to: [DISPATCHER, ADMIN])" in sdl
    assert "who: String! @access(to: [SIGNED_IN])" in sdl
    assert "type Thing @access(to: [PUBLIC])" in sdl


def test_a_field_without_its_own_permission_inherits_its_types() -> None:
    schema = core(SCHEMA)
    thing = schema.type_map["Thing"]
    assert permitted(schema, thing, "name") == EVERYONE  # type: ignore[arg-type]  # an object type
    assert permitted(schema, thing, "secret") == {Role.DISPATCHER}  # type: ignore[arg-type]  # same


def test_everything_without_a_description_or_a_permission_is_listed() -> None:
    assert gaps(core(build([BareQueries]))) == [
        "Bare has no description",
        "Bare.shade has no description",
        "Bare.shade has no permission",
        "Query.bare has no description",
        "Query.bare has no permission",
        "Query.bare(size:) has no description",
        "Shade has no description",
        "Shade.LIGHT has no description",
    ]


def test_a_root_field_does_not_inherit() -> None:
    @strawberry.type(directives=[PUBLIC])
    class Part:
        @strawberry.field(description="It.")
        def it(self) -> int:
            return 1

    assert gaps(core(build([Part]))) == ["Query.it has no permission"]


def test_an_interface_is_no_way_round_the_types_behind_it() -> None:
    schema = core(build([AnimalQueries], types=[Cat, Unicorn]))
    animal, cat = schema.type_map["Animal"], schema.type_map["Cat"]
    assert permitted(schema, animal, "name") == {Role.ADMIN}  # type: ignore[arg-type]  # interface
    assert permitted(schema, cat, "name") == EVERY_ROLE  # type: ignore[arg-type]  # object
    assert gaps(schema) == ["Animal.name is open to more than a type behind it allows"]


def test_callouts_own_schema_has_a_description_and_a_permission_on_everything() -> None:
    assert gaps(core(whole())) == []
