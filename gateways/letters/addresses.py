"""How do people write an address? By the custom of its country."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from babel import Locale

from gateways.letters.texts import in_one_line

if TYPE_CHECKING:
    from domain.places import Address

_ENGLISH: Final = Locale("en")

#: The lines below the street, where they are not the continent's "12345 Town".
_BELOW_THE_STREET: Final = {
    "GB": ("{city}", "{state}", "{code}"),
    "IM": ("{city}", "{code}"),
    "JE": ("{city}", "{code}"),
    "GG": ("{city}", "{code}"),
    "IE": ("{city}", "{state}", "{code}"),
    "US": ("{city}, {state} {code}",),
    "CA": ("{city} {state}  {code}",),
    "AU": ("{city} {state} {code}",),
    "NZ": ("{city} {code}",),
    "IN": ("{city} {code}", "{state}"),
    "BR": ("{city} - {state}", "{code}"),
}
_ELSEWHERE: Final = ("{code} {city}", "{state}")


def address_lines(address: Address, locale: Locale) -> tuple[str, ...]:
    """The lines of an address, the country's last where the reader's is another."""
    said = {
        "city": in_one_line(address.city),
        "state": in_one_line(address.state_province),
        "code": in_one_line(address.postal_code),
    }
    below = _BELOW_THE_STREET.get(address.country, _ELSEWHERE)
    lines = [
        in_one_line(address.line1),
        in_one_line(address.line2),
        *(line.format(**said).strip(" ,-") for line in below),
        "" if address.country == locale.territory else _country(address.country),
    ]
    return tuple(" ".join(line.split()) for line in lines if line)


def _country(code: str) -> str:
    return str(_ENGLISH.territories.get(code, code))
