"""Is what an admin writes about a service checked, all of it at once, and is an edit safe?"""

from typing import Any
from uuid import UUID

import pytest

from domain.booking_rules import BookingRules, SameDay
from domain.money import MAX_MINOR, Money
from domain.people import Role
from domain.refusals import InvalidInput, VersionConflict
from domain.services import (
    ApprovalPolicy,
    CodeTaken,
    Service,
    ServiceFacts,
    ServiceMode,
    Trade,
    create,
    edit,
)
from tests.factories import a_service, a_viewer

NEW = UUID(int=9)
DEFAULTS = BookingRules(notice_minutes=240, max_reschedules=1)


def facts(**changes: Any) -> ServiceFacts:
    """An hour's video call with a mechanic for 20 GBP."""
    said: dict[str, Any] = {
        "code": "video-advice",
        "trade": Trade.MECHANICAL,
        "name": "Video advice",
        "description": "An hour of advice.",
        "mode": ServiceMode.VIDEO,
        "duration_minutes": 60,
        "price": Money(amount_minor=2000, currency="GBP"),
        "approval": ApprovalPolicy.MANUAL,
        "terms": "Advice only.",
        "requires_vehicle": True,
        "active": False,
    }
    return ServiceFacts(**said | changes)


def made(**changes: Any) -> Service:
    return create(facts(**changes), {}, service_id=NEW, defaults=DEFAULTS)


def wrong_with(**changes: Any) -> list[tuple[str, ...]]:
    """The fields of a new service that are complained of."""
    try:
        made(**changes)
    except InvalidInput as error:
        return [one.path for one in error.errors]
    return []


def test_a_new_service_is_what_was_written_with_the_defaults_of_its_day() -> None:
    assert made() == Service(
        id=NEW,
        code="video-advice",
        trade=Trade.MECHANICAL,
        name="Video advice",
        description="An hour of advice.",
        mode=ServiceMode.VIDEO,
        duration_minutes=60,
        price=Money(amount_minor=2000, currency="GBP"),
        approval=ApprovalPolicy.MANUAL,
        terms="Advice only.",
        requires_vehicle=True,
        active=False,
        rules=DEFAULTS,
        version=1,
    )


def test_rules_that_are_given_take_the_place_of_their_defaults_alone() -> None:
    service = create(facts(), {"notice_minutes": 60}, service_id=NEW, defaults=DEFAULTS)
    assert service.rules == BookingRules(notice_minutes=60, max_reschedules=1)


@pytest.mark.parametrize("code", ["ab", "a1", "oven-clean", "2-for-1", "x" * 50])
def test_a_code_is_small_letters_digits_and_single_hyphens(code: str) -> None:
    assert wrong_with(code=code) == []


@pytest.mark.parametrize(
    "code",
    [
        "",
        "a",
        "x" * 51,
        "Oven",
        "oven_clean",
        "oven clean",
        "-oven",
        "oven-",
        "a--b",
        "öfen",
        "ab\n",
    ],
)
def test_any_other_code_is_refused(code: str) -> None:
    assert wrong_with(code=code) == [("code",)]


@pytest.mark.parametrize(
    ("name", "path", "least", "most"),
    [
        ("name", ("name",), "x", "x" * 100),
        ("description", ("description",), "", "x" * 2000),
        ("terms", ("terms",), "", "x" * 10_000),
    ],
)
def test_words_have_a_least_and_a_most(
    name: str, path: tuple[str, ...], least: str, most: str
) -> None:
    assert wrong_with(**{name: least}) == wrong_with(**{name: most}) == []
    assert wrong_with(**{name: most + "x"}) == [path]
    assert wrong_with(**{name: "\x00"}) == [path]


def test_a_service_has_a_name() -> None:
    assert wrong_with(name="") == [("name",)]


@pytest.mark.parametrize(
    ("minutes", "fits"), [(4, False), (5, True), (1440, True), (1441, False), (-60, False)]
)
def test_work_takes_five_minutes_to_a_day(minutes: int, fits: bool) -> None:
    assert wrong_with(duration_minutes=minutes) == ([] if fits else [("durationMinutes",)])


@pytest.mark.parametrize(
    ("amount", "fits"), [(-1, False), (0, True), (MAX_MINOR, True), (MAX_MINOR + 1, False)]
)
def test_a_price_is_nothing_or_more(amount: int, fits: bool) -> None:
    price = Money(amount_minor=amount, currency="JPY")
    assert wrong_with(price=price) == ([] if fits else [("price", "amountMinor")])


@pytest.mark.parametrize("currency", ["", "gbp", "GB", "GBPP", "ABC", "XAU", "XXX", "DEM"])
def test_a_currency_is_one_that_people_pay_in(currency: str) -> None:
    price = Money(amount_minor=1, currency=currency)
    assert wrong_with(price=price) == [("price", "currency")]


@pytest.mark.parametrize("trade", list(Trade))
def test_only_mechanics_ask_for_a_vehicle(trade: Trade) -> None:
    fits = trade is Trade.MECHANICAL
    assert wrong_with(trade=trade) == ([] if fits else [("requiresVehicle",)])
    assert wrong_with(trade=trade, requires_vehicle=False) == []


def test_everything_wrong_is_said_at_once_rules_included() -> None:
    nonsense = facts(
        code="?",
        name="",
        description="x" * 2001,
        terms="x" * 10_001,
        duration_minutes=0,
        price=Money(amount_minor=-1, currency="?"),
        trade=Trade.CLEANING,
    )
    rules = {"notice_minutes": -1, "capacity": 0}
    with pytest.raises(InvalidInput) as refused:
        create(nonsense, rules, service_id=NEW, defaults=DEFAULTS)
    assert [error.path for error in refused.value.errors] == [
        ("code",),
        ("name",),
        ("description",),
        ("terms",),
        ("durationMinutes",),
        ("price", "amountMinor"),
        ("price", "currency"),
        ("requiresVehicle",),
        ("rules", "noticeMinutes"),
        ("rules", "capacity"),
    ]


def test_an_edit_changes_what_was_given_and_counts_it() -> None:
    before = a_service(rules=DEFAULTS, version=4)
    after = edit(before, {"name": "Deep clean"}, {"capacity": 2}, expected_version=4)
    rules = BookingRules(notice_minutes=240, max_reschedules=1, capacity=2)
    assert after == a_service(name="Deep clean", rules=rules, version=5)


def test_a_rule_can_be_taken_away() -> None:
    before = a_service(rules=BookingRules(capacity=2))
    after = edit(before, {}, {"capacity": None}, expected_version=None)
    assert after == a_service(version=2)


def test_an_edit_that_changes_nothing_is_not_counted() -> None:
    before = a_service(version=4)
    assert edit(before, {"name": before.name}, {"capacity": None}, expected_version=4) is before


@pytest.mark.parametrize("expected", [3, 5])
def test_an_edit_of_what_somebody_else_has_changed_is_refused(expected: int) -> None:
    with pytest.raises(VersionConflict) as refused:
        edit(a_service(version=4), {"name": ""}, {}, expected_version=expected)
    assert refused.value.current == 4
    assert str(refused.value) == (
        "It was changed since you read it and has version 4 now; read it again."
    )


def test_an_edit_is_checked_like_a_new_service() -> None:
    before = a_service()
    with pytest.raises(InvalidInput) as refused:
        edit(
            before,
            {"name": "", "requires_vehicle": True},
            {"same_day": SameDay.UNTIL_CUTOFF},
            expected_version=None,
        )
    assert [error.path for error in refused.value.errors] == [
        ("name",),
        ("requiresVehicle",),
        ("rules", "sameDayCutoff"),
    ]


def test_what_cannot_be_booked_is_for_staff_to_see() -> None:
    asked_by = [None, *(a_viewer(role=role) for role in Role)]
    assert all(a_service().is_visible_to(viewer) for viewer in asked_by)
    seen_by = [v and v.role for v in asked_by if a_service(active=False).is_visible_to(v)]
    assert seen_by == [Role.DISPATCHER, Role.ADMIN]


def test_a_code_that_is_taken_is_named() -> None:
    assert CodeTaken("oven-clean").code == "oven-clean"
    assert str(CodeTaken("oven-clean")) == (
        'There is a service "oven-clean" already; choose another code.'
    )


def test_what_is_asked_of_a_provider_is_kept_tidily() -> None:
    asked = made(
        required_skills=(" Gas  fitting", "gas fitting", "Wiring"),
        required_certifications=("Gas Safe", "gas_safe", "nvq-3"),
    )

    assert asked.required_skills == ("Gas fitting", "Wiring")
    assert asked.required_certifications == ("gas-safe", "nvq-3")
    assert asked.requirements.certifications == ("gas-safe", "nvq-3")
    cleared = edit(asked, {"required_certifications": ()}, {}, expected_version=1)
    assert (cleared.required_certifications, cleared.version) == ((), 2)
    again = edit(cleared, {"required_skills": (" Gas fitting", "Wiring")}, {}, expected_version=2)
    assert again == cleared


def test_what_is_asked_of_a_provider_is_checked_with_all_the_rest() -> None:
    assert wrong_with(
        name="",
        required_skills=("", "ok", "nul\x00l"),
        required_certifications=("gas-safe", "\u00e4", "x"),
    ) == [
        ("name",),
        ("requiredSkills", "0"),
        ("requiredSkills", "2"),
        ("requiredCertifications", "1"),
        ("requiredCertifications", "2"),
    ]
    many = tuple(f"skill-{n}" for n in range(31))
    assert wrong_with(required_skills=many, required_certifications=many) == [
        ("requiredSkills",),
        ("requiredCertifications",),
    ]
