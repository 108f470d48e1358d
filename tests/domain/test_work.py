"""What may be handed in about work, and what keeps it from being taken?"""

from typing import Any

import pytest

from domain.work import ChecklistItem, Handover, Signature, wrong_photos
from tests.factories import a_booking

URL = "https://photos.example/signature.png"
SIGNED: dict[str, Any] = {"signed_by": "Mrs Doe", "signature_url": URL}


def paths(handover: Handover) -> list[tuple[str, ...]]:
    return [error.path for error in handover.wrong_fields()]


@pytest.mark.parametrize(
    "urls",
    [
        ("https://photos.example/x",) * 21,
        ("http://photos.example/x",),
        ("https://",),
        ("https://photos.example/a b",),
        ("https://photos.example/\x00",),
        ("https://" + "x" * 493,),
        ("javascript:alert(1)//https://photos.example",),
    ],
)
def test_photos_are_a_few_https_addresses(urls: tuple[str, ...]) -> None:
    (error,) = wrong_photos(urls)
    assert error.path == ("photoUrls",)
    assert error.message == "Give at most 20 https addresses of up to 500 characters."


def test_nothing_need_be_handed_over() -> None:
    assert paths(Handover()) == []


def test_all_there_is_room_for_is_taken() -> None:
    points = tuple(ChecklistItem(label="x" * 200, done=False) for _ in range(50))
    photos = ("https://" + "x" * 492,) * 20
    full = Handover(notes="x" * 2000, photo_urls=photos, checklist=points, **SIGNED)
    assert full.wrong_fields() == ()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"notes": "x" * 2001}, [("notes",)]),
        ({"notes": "\ud800"}, [("notes",)]),
        ({"photo_urls": ("http://x",)}, [("photoUrls",)]),
        ({"checklist": (ChecklistItem(label="x"),) * 51}, [("checklist",)]),
        (
            {"checklist": (ChecklistItem(label="Oven"), ChecklistItem(label=""))},
            [("checklist", "1", "label")],
        ),
        ({"checklist": (ChecklistItem(label="x" * 201),)}, [("checklist", "0", "label")]),
        ({"checklist": (ChecklistItem(label="nu\x00ll"),)}, [("checklist", "0", "label")]),
        ({"signed_by": "Mrs Doe"}, [("signatureUrl",)]),
        ({"signature_url": URL}, [("signedBy",)]),
        ({**SIGNED, "signed_by": ""}, [("signedBy",)]),
        ({**SIGNED, "signed_by": "x" * 201}, [("signedBy",)]),
        ({**SIGNED, "signature_url": "http://photos.example/x"}, [("signatureUrl",)]),
        ({**SIGNED, "signature_url": ""}, [("signatureUrl",)]),
    ],
)
def test_each_wrong_field_is_named(wrong: dict[str, Any], expected: list[tuple[str, ...]]) -> None:
    assert paths(Handover(**wrong)) == expected


def test_a_signature_has_a_name_and_a_picture() -> None:
    assert a_booking().signature is None
    signed = a_booking(signed_by="Mrs Doe", signature_url="https://photos.example/signature")
    expected = Signature(name="Mrs Doe", url="https://photos.example/signature")
    assert signed.signature == expected
