"""Are a booking's keywords those of its concern, however it was made and whatever it says now?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from db import lifecycle, requests
from db.tables import history
from domain.lifecycle import Details
from domain.series_changes import SeriesScope
from tests.db.racing import act
from tests.factories import (
    a_request,
    add_customer,
    add_provider,
    add_service,
    count_rows,
    now,
    read_booking,
)
from tests.series import NOW, Diary, diary, held_clock

if TYPE_CHECKING:
    from db.engine import Database

__all__ = ["diary", "held_clock"]


async def test_a_request_keeps_what_its_concern_is_about_and_an_edit_renews_it(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await add_provider(crowd, service)
    start = (await now(crowd)).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    asked = a_request(
        customer_id=customer.user_id,
        service_id=service.id,
        starts_at=start,
        concern="Oven and carpets",
    )
    made = await act(crowd, partial(requests.request, asked=asked, by=customer))
    before = await read_booking(crowd, made.id)

    said = Details(concern="The windows, and mould")
    editing = partial(lifecycle.edit, booking_id=made.id, details=said, expected_version=1)
    await act(crowd, partial(editing, by=customer))
    after = await read_booking(crowd, made.id)

    assert before.keywords == ("oven", "carpet")
    assert (after.keywords, after.version) == (("windows", "mould"), before.version + 1)
    assert await count_rows(crowd, history) == (2,)


async def test_the_bookings_of_a_series_keep_it_too(diary: Diary) -> None:
    made, _ = await diary.create(asked=diary.request(concern="Oven"))
    assert {one.keywords for one in await diary.bookings(made)} == {("oven",)}

    said = Details(concern="Limescale")
    await diary.change(made, scope=SeriesScope.ALL, details=said)
    diary.clock.at = NOW + timedelta(days=10)
    await diary.extend(made)

    of_each = [one.keywords for one in await diary.bookings(made)]
    assert of_each == [("limescale",)] * 10
