"""Who may learn what? Every text or number of the world (world.py) that is not for everybody.

One row for each: what it is, how it is told apart, and who reads it somewhere in everything that
they may ask for. That is exact: who is named has to find it, and nobody else may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from api import ids
from tests.api import worldmoney

if TYPE_CHECKING:
    from tests.api.world import World

#: What becomes of the customer's booking, and how long ago its work was done.
OFFERED, WON, OPEN, CLOSED = "offered", "won", "done 29 days ago", "done 31 days ago"
PHASES: Final = (OFFERED, WON, OPEN, CLOSED)

NOBODY: Final[frozenset[str]] = frozenset()
HOUSE: Final = frozenset({"dispatcher", "admin"})
#: The house, and those who study it.
INSIGHT: Final = HOUSE | {"analyst"}
CUSTOMER: Final = HOUSE | {"customer"}
OTHER: Final = HOUSE | {"other"}
OFFERED_ONE: Final = HOUSE | {"offered"}
WINNER: Final = HOUSE | {"winner"}
PARTIES: Final = CUSTOMER | {"winner"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Something that is not for everybody."""

    what: str
    text: str
    #: Who reads it, whatever becomes of the customer's booking …
    seen_by: frozenset[str]
    #: … but for some phases of it.
    but: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def seen_in(self, phase: str) -> frozenset[str]:
        """Who reads it in a phase."""
        return self.but.get(phase, self.seen_by)


def _opened(what: str, text: str) -> Secret:
    """What opens to whoever wins the work, until thirty days after it is done."""
    return Secret(what=what, text=text, seen_by=CUSTOMER, but={WON: PARTIES, OPEN: PARTIES})


def _since(phase: str, what: str, text: str, seen_by: frozenset[str]) -> Secret:
    """What there is only from a phase on."""
    before = PHASES[: PHASES.index(phase)]
    return Secret(what=what, text=text, seen_by=seen_by, but=dict.fromkeys(before, NOBODY))


def _kept(what: str, text: str, seen_by: frozenset[str]) -> Secret:
    return Secret(what=what, text=text, seen_by=seen_by)


def _signature(what: str, text: str) -> Secret:
    before = dict.fromkeys((OFFERED, WON), NOBODY)
    return Secret(what=what, text=text, seen_by=CUSTOMER, but={**before, OPEN: PARTIES})


SECRETS: Final = (
    # The customer, their home and their vehicle.
    _opened("the customer's family name", "Quillfeather"),
    _opened("the customer's phone", "+447700900101"),
    _opened("the customer's street", "77 Quince Crescent"),
    _opened("the customer's flat", "Flat Heliotrope"),
    _opened("the customer's postal code", "SW1A 9QZ"),
    _opened("the latitude of the customer's home", "51.503917"),
    _opened("the longitude of the customer's home", "-0.127413"),
    _opened("how to get in", "Access: the gnome's hat"),
    _opened("what to mind", "Special: a shy parrot"),
    _opened("the vehicle's VIN", "WVWZZZ1KZAW987654"),
    _opened("the vehicle's plate", "QX99ZZZ"),
    _kept("the customer's e-mail", "zebedee@quill.example", CUSTOMER),
    _kept("what is the matter", "Concern: the engine", INSIGHT | {"customer", "offered", "winner"}),
    _kept("a kept address", "4 Saved Street", frozenset({"customer"})),
    _kept("its postal code", "SW1A 4SV", frozenset({"customer"})),
    _kept("its name", "Saved: the cottage", frozenset({"customer"})),
    _kept("how to get in there", "Saved: under the urn", frozenset({"customer"})),
    _kept("a kept vehicle", "Saved: the van", frozenset({"customer"})),
    _kept("its VIN", "YV1ZWA8UDH1234567", frozenset({"customer"})),
    _kept("its plate", "SV19KPT", frozenset({"customer"})),
    _kept("where the customer waits for a slot", "6 Waiting Wharf", CUSTOMER),
    _kept("its postal code in full", "SW1A 6WL", CUSTOMER),
    _kept("where a slot is held", "SW1A 1HD", NOBODY),
    _kept("why the customer blocked somebody", "Block: he was rude", CUSTOMER),
    _kept("why the house blocked somebody", "Block: the house knows", HOUSE),
    # What the parties of the customer's booking say.
    _since(WON, "why the provider is late", "Late: school run", PARTIES),
    _since(OPEN, "what the provider noted", "Notes: seal was torn", PARTIES),
    _since(OPEN, "a photo of the work", "https://photos.example/hob-after", PARTIES),
    _since(OPEN, "a point of the checklist", "Checklist: vent", PARTIES),
    _signature("who signed for the work", "Septimus Vane"),
    _signature("the picture of the signature", "https://photos.example/vane-sign"),
    # Offers: nobody hears of another's.
    _kept("the score of one provider", "987654321", INSIGHT | {"offered"}),
    _kept("the score of the other", "987650002", INSIGHT | {"winner"}),
    _kept("the score in shadow", "987654323", INSIGHT),
    _kept("a point of the one's breakdown", "987654320", INSIGHT | {"offered"}),
    _kept("why the one was asked", "Reason: suits the offered", INSIGHT | {"offered"}),
    _kept("why the other was asked", "Reason: suits the winner", INSIGHT | {"winner"}),
    _since(WON, "why the one said no", "Reject: my knee again", OFFERED_ONE),
    # The other customer's bookings, each with a provider of its own.
    _kept("the other customer's family name", "Fanshawe", OTHER | {"winner", "rival"}),
    _kept("the other customer's phone", "+447700900102", OTHER | {"winner", "rival"}),
    _kept("where work was handed back", "21 Handback Hill", OTHER | {"winner"}),
    _kept("why it was handed back", "Handback: former is ill", OTHER),
    _kept("why its former provider was late", "Late: former overslept", OTHER),
    _kept("where nobody opened", "22 Absent Alley", OTHER),
    _kept("what was said of that", "Evidence: I rang at 22", OTHER | {"winner"}),
    _kept("what shows it", "https://photos.example/22", OTHER | {"winner"}),
    _kept("where work was called off", "23 Calledoff Court", OTHER),
    _kept("how to get in there", "Access: the called-off key", OTHER),
    _kept("the plate there", "OFF77PLT", OTHER),
    _kept("why it was called off", "Cancelled: we moved away", OTHER | {"winner"}),
    _kept("where work passed everybody by", "24 Passby Place", OTHER),
    _kept("where a series is", "25 Series Square", NOBODY),
    _kept("the rule of a series", "FREQ=DAILY;COUNT=17", OTHER),
    _kept("where the winner does a visit of it", "26 Winner Walk", OTHER | {"winner"}),
    _kept("where the rival does a visit of it", "27 Rival Road", OTHER | {"rival"}),
    # Providers.
    *(
        _kept(f"{what} of the {name}", text.format(name), HOUSE | {name})
        for name in ("offered", "winner", "former", "rival")
        for what, text in (
            ("the family name", "Family-{}"),
            ("the e-mail", "{}@provider.example"),
            ("the number of a paper", "CERT-{}"),
            ("why time off is taken", "Time off: of {}"),
            ("where the shift is", "Shift: depot of {}"),
            ("what is noted of the shift", "Shift: back of {}"),
        )
    ),
    _kept("the phone of the winner", "+447700900209", WINNER),
    _kept("the postal code of the winner's home", "SE1 7ZQ", NOBODY),
    _kept("the latitude of the winner's home", "51.498877", NOBODY),
    _kept("the longitude of the winner's home", "-0.111133", NOBODY),
    _kept("the hours of one day of the winner", "12:35", WINNER),
    _kept("where the winner is for some days", "Asia/Kathmandu", WINNER),
    _kept("the name of a calendar link of the winner", "Link: my watch", WINNER),
    _kept("why the former provider is suspended", "Suspended: a complaint", HOUSE | {"former"}),
    # Money: who pays reads what they paid, and who does the work what they earn.
    *(
        _kept(what, str(minor), INSIGHT | {"other"})
        for what, minor in (
            ("what was paid first", worldmoney.DEPOSIT),
            ("what was paid last", worldmoney.BALANCE),
            ("what could not be charged", worldmoney.DECLINED),
            *((f"a refund that is {name}", sum_) for name, sum_ in worldmoney.REFUNDS.items()),
            ("a refund that was made at the gateway", worldmoney.AT_GATEWAY),
        )
    ),
    _kept("what need not be paid", str(worldmoney.WITHDRAWN), INSIGHT | {"customer"}),
    _kept("a tip", str(worldmoney.TIP), INSIGHT | {"other", "winner"}),
    _kept("why it could not be charged", "Card: the bank said no", INSIGHT | {"other"}),
    _kept("how much too much was given back", str(worldmoney.TOO_MUCH), HOUSE),
    _kept("why something was given back", "Refund: the seal leaked", OTHER),
    _kept("why something was not given back", "Refund: the gateway is down", HOUSE),
    _kept("a credit", str(worldmoney.CREDIT), OTHER),
    _kept("why it was given", "Credit: for the long wait", OTHER),
    _kept("all the credit there is", str(worldmoney.CREDIT + worldmoney.REFUNDS["DONE"]), OTHER),
    *(
        _kept(what, str(minor), INSIGHT | {"winner"})
        for what, minor in (
            ("what the winner earned first", worldmoney.EARNED[0]),
            ("what the winner earned last", worldmoney.EARNED[1]),
            ("what the winner was paid", worldmoney.FIRST_PAYOUT),
            ("what the winner will be paid", worldmoney.NEXT_PAYOUT),
        )
    ),
    _kept("what the rival could not be paid", str(worldmoney.RIVALS_PAYOUT), INSIGHT | {"rival"}),
    _kept("why the rival could not be paid", "Payout: no such account", INSIGHT),
    _kept("why the winner is not paid yet", "Payout: come back later", INSIGHT),
    _kept("what the gateway calls a payout", "tr_1OfTheWinner", INSIGHT),
    _kept("where the winner is paid", "acct_1OfTheWinner", frozenset({"admin", "winner"})),
    _kept("where work was paid in parts", "28 Money Mews", OTHER),
    _kept("where work was paid at once", "29 Card Court", OTHER),
    _kept("where the rival's was paid", "30 Rival Rise", OTHER),
    # Messages: nobody hears of another's.
    *(
        secret
        for name, end in (("customer", "#cus"), ("winner", "#win"), ("dispatcher", "#dis"))
        for secret in (
            _kept(f"the token of a device of the {name}", f"token-of-the-{name}", NOBODY),
            _kept(f"the end of it of the {name}", end, frozenset({name})),
        )
    ),
    _kept("when the customer sleeps", "22:17:00", frozenset({"customer"})),
    _kept("how dates are written to the customer", "cy-GB", CUSTOMER),
    # The house.
    _kept("the admin's e-mail", "admin@house.example", HOUSE),
    _kept("the analyst's e-mail", "analyst@house.example", INSIGHT),
    _kept("what broke", "Letter: it broke", HOUSE),
    _kept("what broke with what", "Letter: argument", HOUSE),
    *(
        _kept(f"the password of the {name}", f"hash-of-{name}", NOBODY)
        for name in ("zebedee", "winner", "admin", "analyst")
    ),
)


def identities(world: World) -> tuple[Secret, ...]:
    """What has an id that is not for everybody: whoever has one can ask for what it names."""
    offers, work, money = world.offers, world.bookings, world.money
    payer, paid = INSIGHT | {"other"}, INSIGHT | {"winner"}
    return (
        *(
            _kept(f"the {kind.lower()} {name!r}", ids.encode(kind, money[name]), whose)
            for kind, name, whose in (
                ("Payment", "paid: DEPOSIT", payer),
                ("Payment", "paid: TIP", payer),
                ("Payment", "declined", payer),
                ("Payment", "withdrawn", INSIGHT | {"customer"}),
                *(("Refund", f"refund: {name}", payer) for name in worldmoney.REFUNDS),
                ("Refund", "refund: AT_GATEWAY", payer),
                ("Payout", "first payout", paid),
                ("Payout", "next payout", paid),
                ("Payout", "rival's", INSIGHT | {"rival"}),
                ("PayrollRun", "first run", INSIGHT),
            )
        ),
        *(
            _kept(f"what the {name} was told", ids.encode("Notification", one), frozenset({name}))
            for name, told in world.news.items()
            for one in (told[0], told[-1])
        ),
        _kept(
            "the one's offer", ids.encode("JobOffer", offers["offered"].id), INSIGHT | {"offered"}
        ),
        _kept(
            "the other's offer", ids.encode("JobOffer", offers["winner"].id), INSIGHT | {"winner"}
        ),
        Secret(
            what="the customer's booking",
            text=ids.encode("Booking", work["main"].id),
            seen_by=INSIGHT | {"customer", "winner"},
            but={OFFERED: INSIGHT | {"customer"}},
        ),
        *(
            _kept(f"the {name}", ids.encode("Booking", work[name].id), INSIGHT | {"other", *whose})
            for name, whose in (
                ("back", ["winner"]),
                ("absent", ["winner"]),
                ("gone", ["winner"]),
                ("open", []),
                ("visit of the winner", ["winner"]),
                ("visit of the rival", ["rival"]),
            )
        ),
        _kept("the series", ids.encode("BookingSeries", world.series_id), OTHER),
        _kept("the hold", ids.encode("Hold", world.hold_id), CUSTOMER),
        _kept("the customer", ids.encode("User", world.uid("customer")), CUSTOMER),
        _kept("the other customer", ids.encode("User", world.uid("other")), OTHER),
    )
