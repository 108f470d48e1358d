"""Asking for work through the public door: what it waits for, and whom it is put to first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from db.tables import bookings
from domain.services import ApprovalPolicy, Trade
from tests.api import market
from tests.api.house import House
from tests.api.market import Market, Person, instant

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAID = "accessInstructions specialRequirements concern"
READ = f"""query($id: ID!) {{ booking(id: $id) {{
  {SAID} version status termsAcceptedAt needsTerms vehicle {{ year make model vin }}
  preferredProvider {{ id }}
}} }}"""
TERMS = market.mutation(
    "acceptTerms", f"booking {{ {market.BOOKING} termsAcceptedAt }}", "WrongStatus"
)
START = market.mutation("startBooking", "booking { status }", "WrongStatus")
APPROVE = market.mutation("approveBooking", f"booking {{ {market.BOOKING} }}", "WrongStatus")
DECLINE = market.mutation("declineBooking", f"booking {{ {market.BOOKING} }}", "WrongStatus")
UPDATE = market.mutation(
    "updateBooking",
    f"booking {{ {market.BOOKING} {SAID} }}",
    *("WrongStatus", "VersionConflict", "InvalidInput"),
)
REJECT = """
mutation($id: ID!) { rejectOffer(input: { offerId: $id, reason: "No" }) { __typename } }
"""
CANCEL = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }"
QUEUE = "{ queue(first: 100) { nodes { id } } }"


async def act(shop: Market, who: Person | str, document: str, booking: Any, **said: Any) -> Any:
    return await shop.act(who, document, input={"bookingId": booking["id"], **said})


async def read(shop: Market, booking: Any) -> Any:
    return await shop.act("Dora", READ, id=booking["id"])


async def is_queued(shop: Market, booking: Any) -> bool:
    nodes = (await shop.act("Dora", QUEUE))["nodes"]
    return {"id": booking["id"]} in nodes


class TestAServiceThatNeedsAYes:
    async def test_keeps_the_time_of_a_named_provider_until_the_answer(self, home: House) -> None:
        shop = await market.opened(home, approval=ApprovalPolicy.MANUAL)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        booking = await shop.booked(ada, providerId=provider.id)
        assert booking["status"] == "AWAITING_APPROVAL"
        assert (await shop.book(ben, providerId=provider.id))["__typename"] == "SlotTaken"
        assert (await shop.book(ben))["__typename"] == "NobodyFree"
        after = (await act(shop, "Dora", APPROVE, booking))["booking"]
        assert (after["status"], after["provider"]) == ("CONFIRMED", {"id": provider.id})
        line = {"act": "APPROVE", "source": "STAFF", "before": "AWAITING_APPROVAL"}
        assert after["history"][-1] == line | {"after": "CONFIRMED", "reason": None}
        again = await act(shop, "Dora", APPROVE, booking)
        assert (again["__typename"], again["status"]) == ("WrongStatus", "CONFIRMED")

    async def test_gives_the_time_back_when_the_answer_is_no_and_says_why(
        self, home: House
    ) -> None:
        shop = await market.opened(home, approval=ApprovalPolicy.MANUAL)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        booking = await shop.booked(ada, providerId=provider.id)
        after = (await act(shop, "Adam", DECLINE, booking, reason="Too far"))["booking"]
        assert (after["status"], after["cancelReason"]) == ("DECLINED", "Too far")
        assert after["history"][-1]["reason"] == "Too far"
        await shop.booked(ben, providerId=provider.id)
        late = await act(shop, "Dora", APPROVE, booking)
        assert (late["__typename"], late["status"]) == ("WrongStatus", "DECLINED")

    async def test_is_offered_to_nobody_before_it_and_counts_as_wanted(self, home: House) -> None:
        shop = await market.opened(home, approval=ApprovalPolicy.MANUAL)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        booking = await shop.booked(ada)
        assert await shop.match(booking) == []
        assert not await is_queued(shop, booking)
        assert (await shop.book(ben))["__typename"] == "NobodyFree"
        await act(shop, "Dora", APPROVE, booking)
        assert await is_queued(shop, booking)
        assert (await shop.accept(provider))["booking"]["status"] == "CONFIRMED"

    async def test_has_the_yes_of_staff_alone(self, home: House) -> None:
        shop = await market.opened(home, approval=ApprovalPolicy.MANUAL)
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        for name in (ada.name, provider.name, "Anna"):
            answer = await home.ask(name, APPROVE, input={"bookingId": booking["id"]})
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert await shop.read(booking) == booking


class TestAServiceWithTerms:
    async def test_is_put_to_nobody_until_its_customer_accepts_them(self, home: House) -> None:
        shop = await market.opened(home, terms="Leave the keys.")
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada)
        assert (await read(shop, booking))["needsTerms"] is True
        assert await shop.match(booking) == []
        assert not await is_queued(shop, booking)
        accepted = (await act(shop, ada, TERMS, booking))["booking"]
        assert (accepted["status"], accepted["version"]) == ("PAID", 2)
        assert accepted["history"][-1]["act"] == "ACCEPT_TERMS"
        assert await is_queued(shop, booking)
        offer = await shop.offer(provider)
        assert instant(offer["offeredAt"]) > instant(accepted["termsAcceptedAt"])
        # Accepting them again changes nothing.
        assert (await act(shop, ada, TERMS, booking))["booking"] == accepted
        assert (await shop.accept(provider))["booking"]["status"] == "CONFIRMED"

    async def test_is_put_to_providers_at_once_when_they_are_accepted_with_the_request(
        self, home: House
    ) -> None:
        shop = await market.opened(home, terms="Leave the keys.")
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, acceptTerms=True)
        assert (await read(shop, booking))["termsAcceptedAt"] is not None
        assert await shop.match(booking) == [provider.uid]

    async def test_is_not_begun_before_by_a_provider_who_was_booked_directly(
        self, home: House
    ) -> None:
        shop = await market.opened(home, terms="Leave the keys.")
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        refused = await act(shop, provider, START, booking)
        assert (refused["__typename"], refused["code"]) == (
            "TermsNotAccepted",
            "TERMS_NOT_ACCEPTED",
        )
        assert await shop.read(booking) == booking
        await act(shop, ada, TERMS, booking)
        assert (await act(shop, provider, START, booking))["booking"] == {"status": "IN_PROGRESS"}

    async def test_has_them_accepted_by_nobody_else(self, home: House) -> None:
        shop = await market.opened(home, terms="Leave the keys.")
        await shop.provider()
        ada, ben = await shop.customers(2)
        booking = await shop.booked(ada)
        refused = await act(shop, ben, TERMS, booking)
        assert (refused["__typename"], refused["code"]) == ("NotFound", "NOT_FOUND")
        answer = await home.ask("Dora", TERMS, input={"bookingId": booking["id"]})
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert (await read(shop, booking))["termsAcceptedAt"] is None


async def test_a_service_for_vehicles_wants_to_know_which_and_keeps_it(home: House) -> None:
    shop = await market.opened(home, trade=Trade.MECHANICAL, requires_vehicle=True)
    provider, ada = await shop.provider(), await shop.customer()
    refused = await shop.book(ada, providerId=provider.id)
    assert [error["path"] for error in refused["errors"]] == [["vehicle"]]
    golf = {"year": 2015, "make": "Volkswagen", "model": "Golf"}
    wrong = golf | {"year": 1870, "vin": "SHORT"}
    refused = await shop.book(ada, providerId=provider.id, vehicle=wrong)
    paths = [error["path"] for error in refused["errors"]]
    assert paths == [["vehicle", "year"], ["vehicle", "vin"]]
    assert await shop.rows(bookings) == 0
    booking = await shop.booked(ada, providerId=provider.id, vehicle=golf)
    assert (await read(shop, booking))["vehicle"] == golf | {"vin": None}


class TestAPreferredProvider:
    async def test_is_asked_first_and_alone_and_then_the_best_are(self, home: House) -> None:
        shop = await market.opened(home)
        best = [await shop.provider(years_experience=20) for _ in range(3)]
        preferred, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, preferredProviderId=preferred.id)
        assert (await read(shop, booking))["preferredProvider"] == {"id": preferred.id}
        offer = await shop.offer(preferred)
        assert offer["wave"] == "PREFERRED"
        assert instant(offer["expiresAt"]) - instant(offer["offeredAt"]) == timedelta(minutes=2)
        assert await shop.match(booking) == [preferred.uid]
        await shop.pass_time(booking, timedelta(seconds=119))
        assert await shop.match(booking) == [preferred.uid]
        await shop.pass_time(booking, timedelta(seconds=1))
        assert set(await shop.match(booking)) == {one.uid for one in best}
        assert (await shop.offer(best[0]))["wave"] == "TARGETED"
        assert "booking.preferred_lapsed" in await shop.told(booking)
        late = await shop.act(preferred, market.ACCEPT, id=offer["id"])
        assert late["why"] == "EXPIRED"

    async def test_who_says_no_is_followed_by_the_best_at_once(self, home: House) -> None:
        shop = await market.opened(home)
        other, preferred = await shop.provider(), await shop.provider()
        booking = await shop.booked(await shop.customer(), preferredProviderId=preferred.id)
        await shop.act(preferred, REJECT, id=(await shop.offer(preferred))["id"])
        assert await shop.match(booking) == [other.uid]
        assert await shop.offers(preferred) == []

    async def test_who_has_no_time_is_passed_over(self, home: House) -> None:
        shop = await market.opened(home)
        other, preferred = await shop.provider(), await shop.provider()
        ada, ben = await shop.customers(2)
        await shop.booked(ada, providerId=preferred.id)
        booking = await shop.booked(ben, preferredProviderId=preferred.id)
        assert await shop.match(booking) == [other.uid]
        assert (await shop.offer(other))["wave"] == "TARGETED"

    async def test_is_not_named_beside_one_who_is_booked(self, home: House) -> None:
        shop = await market.opened(home)
        one, other = await shop.provider(), await shop.provider()
        ada = await shop.customer()
        refused = await shop.book(ada, providerId=one.id, preferredProviderId=other.id)
        assert [error["path"] for error in refused["errors"]] == [["preferredProviderId"]]
        assert await shop.rows(bookings) == 0


class TestSayingItAnew:
    async def test_changes_what_is_said_and_leaves_the_rest(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id, concern="The cat")
        after = (await act(shop, ada, UPDATE, booking, accessInstructions="Ring twice"))["booking"]
        assert (after["accessInstructions"], after["concern"]) == ("Ring twice", "The cat")
        assert (after["version"], after["status"]) == (2, "CONFIRMED")
        assert after["history"][-1]["act"] == "EDIT"
        same = await act(shop, ada, UPDATE, booking, accessInstructions="Ring twice")
        assert same["booking"] == after
        emptied = await act(shop, "Dora", UPDATE, booking, concern="", specialRequirements="Shoes")
        assert (emptied["booking"]["concern"], emptied["booking"]["version"]) == ("", 3)

    async def test_overwrites_nobody_elses_change(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        await act(shop, "Dora", UPDATE, booking, concern="The dog", expectedVersion=1)
        refused = await act(shop, ada, UPDATE, booking, concern="The cat", expectedVersion=1)
        assert (refused["currentVersion"], refused["path"]) == (2, ["expectedVersion"])
        assert (await read(shop, booking))["concern"] == "The dog"

    async def test_names_every_text_that_is_too_long(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        long = "x" * 2001
        refused = await act(shop, ada, UPDATE, booking, concern=long, specialRequirements=long)
        paths = [error["path"] for error in refused["errors"]]
        assert sorted(paths) == [["concern"], ["specialRequirements"]]
        assert await shop.read(booking) == booking

    async def test_is_for_its_customer_and_staff_until_it_is_over(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        booking = await shop.booked(ada, providerId=provider.id)
        assert (await act(shop, ben, UPDATE, booking, concern="Mine"))["__typename"] == "NotFound"
        await shop.act(ada, CANCEL, id=booking["id"])
        refused = await act(shop, ada, UPDATE, booking, concern="Late")
        assert (refused["__typename"], refused["status"]) == ("WrongStatus", "CANCELLED")
        assert (await read(shop, booking))["concern"] == ""
