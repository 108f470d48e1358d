"""What can be a device's token?"""

from uuid import UUID

import pytest

from domain.devices import Device, check_token
from domain.messages import Platform
from domain.refusals import InvalidInput
from tests.factories import NOW


@pytest.mark.parametrize("token", ["", "x" * 4097, "a\x00b"])
def test_what_can_be_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_token(token)
    assert [error.path for error in refused.value.errors] == [("token",)]


def test_any_other_text_may_be_one() -> None:
    check_token("x")
    check_token("x" * 4096)


@pytest.mark.parametrize(
    ("token", "shown"),
    [("x", ""), ("xyz", "z"), ("abcdefgh", "efgh"), ("a" * 99 + "wxyz", "wxyz")],
)
def test_no_more_than_half_a_token_is_ever_shown(token: str, shown: str) -> None:
    device = Device(
        id=UUID(int=1), user_id=UUID(int=2), platform=Platform.WEB, token=token, registered_at=NOW
    )
    assert device.token_end == shown
