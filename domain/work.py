"""What may be handed in about work: photographs by their addresses."""

from __future__ import annotations

import re
from typing import Final

from domain.refusals import FieldError

MAX_PHOTOS: Final = 20

_PHOTO: Final = re.compile(r"https://[^\s\x00\ud800-\udfff]{1,490}")


def wrong_photos(urls: tuple[str, ...]) -> tuple[FieldError, ...]:
    """What keeps these from being addresses of photographs."""
    if len(urls) <= MAX_PHOTOS and all(_PHOTO.fullmatch(url) for url in urls):
        return ()
    message = f"Give at most {MAX_PHOTOS} https addresses of up to 500 characters."
    return (FieldError(path=("photoUrls",), message=message),)
