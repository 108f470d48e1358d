"""Does a refusal carry its facts and say in words what is wrong and how to mend it?"""

import pytest

from domain.matching import HardRule, Verdict
from domain.payments import PaymentUnavailable
from domain.providers import ProviderNotEligible
from domain.refusals import FieldError, InvalidInput, NotFound, check_sizes


def test_the_unknown_and_the_forbidden_answer_alike() -> None:
    assert NotFound("Booking").kind == "Booking"
    assert str(NotFound("Booking")) == "There is no such Booking, or you may not see it."


def test_invalid_input_carries_every_wrong_field() -> None:
    errors = (FieldError(path=("a", "b"), message="Mend b."), FieldError(path=("c",), message="C."))
    assert InvalidInput(*errors).errors == errors
    assert str(InvalidInput(*errors)) == "a.b: Mend b.; c: C."


@pytest.mark.parametrize("text", ["ab", "abc", "\n\t", "李李"])
def test_a_text_of_the_right_size_passes(text: str) -> None:
    check_sizes(name=(text, 2, 3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "Write 2 to 3 characters."),
        ("abcd", "Write 2 to 3 characters."),
        ("a\x00b", "Leave out null characters and halves of characters."),
        ("a\udfff", "Leave out null characters and halves of characters."),
    ],
)
def test_every_text_that_does_not_fit_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_sizes(name=(text, 2, 3), fine=("ok", 2, 3), other=(text, 2, 3))
    assert refused.value.errors == (
        FieldError(path=("name",), message=message),
        FieldError(path=("other",), message=message),
    )


def test_a_provider_who_is_not_eligible_is_refused_with_every_reason() -> None:
    broken = tuple(
        Verdict(rule=rule, passed=False, saw="") for rule in (HardRule.HOURS, HardRule.ON_SHIFT)
    )
    refusal = ProviderNotEligible(broken)
    assert refusal.broken == broken
    assert str(refusal) == "This provider cannot take this booking: HOURS, ON_SHIFT."


def test_a_server_without_payments_says_so() -> None:
    assert str(PaymentUnavailable()) == "This server has no way to take payments."
