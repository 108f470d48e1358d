"""How is a payment made, and what for? The words of the schema for it."""

from __future__ import annotations

from api.enums import describe
from domain.paying import PayAmount
from domain.payments import Method, PaymentStatus, Purpose

__all__ = ["Method", "PayAmount", "PaymentStatus", "Purpose"]

describe(
    Method,
    "What a payment is made with, or where a refund goes.",
    name="PaymentMethod",
    CARD="A card, by the payment gateway.",
    CREDITS="Credit with the house.",
)
describe(
    PayAmount,
    "How much of a booking to pay now.",
    FULL="All that is left to pay.",
    DEPOSIT="What confirms the booking, where its rules have a deposit.",
)
describe(
    Purpose,
    "What a payment is for.",
    name="PaymentPurpose",
    FULL="The whole price.",
    DEPOSIT="The part of it that confirms the booking.",
    BALANCE="What the deposit left to pay.",
    TIP="The provider, beside the price.",
)
describe(
    PaymentStatus,
    "Where a payment stands.",
    PENDING="Asked for; its customer has still to pay, or the payment gateway to say so.",
    PAID="Paid.",
    MISMATCHED="Another sum came in than was asked for. Staff look into it.",
    CANCELLED="Called off before anything was paid.",
)
