"""How is a sum of money kept? In integer minor units of an ISO 4217 currency, never a float."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.refusals import FieldError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The most minor units of one sum: what a column and GraphQL's Int hold.
MAX_MINOR: Final = 2**31 - 1

#: The currencies that people pay in: ISO 4217 without funds, metals and test codes.
CURRENCIES: Final = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW
    KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
    MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905  # a table reads better than a hundred and fifty literals
)

#: Those whose minor unit is not the hundredth, by ISO 4217, and how many decimals they have.
_DECIMALS: Final = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(),  # noqa: SIM905  # readable
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A sum in minor units: 4050 and "GBP" is £40.50."""

    amount_minor: int
    currency: str

    @property
    def is_zero(self) -> bool:
        """Is there nothing to pay?"""
        return self.amount_minor == 0

    @property
    def decimals(self) -> int:
        """How many decimals the sum has when it is written in major units."""
        return _DECIMALS.get(self.currency, 2)


def wrong_money(name: str, sum_: Money, least: int) -> Iterator[FieldError]:
    """What keeps a sum from being taken: less than the `least`, more than is kept, or in no
    currency that people pay in."""
    if not least <= sum_.amount_minor <= MAX_MINOR:
        message = f"Give {least} to {MAX_MINOR}."
        yield FieldError(path=(name, "amountMinor"), message=message)
    if sum_.currency not in CURRENCIES:
        message = 'Write an ISO 4217 code in capitals, such as "GBP".'
        yield FieldError(path=(name, "currency"), message=message)
