"""Which mailbox does an e-mail address mean, and could mail ever reach it?"""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from domain.refusals import FieldError


def new_address(text: str) -> tuple[str, tuple[FieldError, ...]]:
    """The address under which an account is to be kept, and what is wrong with it."""
    try:
        return _normalised(text, strict=True), ()
    except EmailNotValidError as error:
        return text, (FieldError(path=("email",), message=str(error)),)


def account_name(text: str) -> str:
    """The address under which an account would be kept; one that nobody has for what is none."""
    try:
        return _normalised(text, strict=False)
    except EmailNotValidError:
        return ""


def _normalised(text: str, *, strict: bool) -> str:
    """One spelling for each mailbox: lower case, and ASCII, which every mail server takes."""
    checked = validate_email(
        text.strip(),
        allow_smtputf8=False,
        check_deliverability=False,
        globally_deliverable=strict,
        strict=strict,
    )
    return (checked.ascii_email or checked.normalized).lower()
