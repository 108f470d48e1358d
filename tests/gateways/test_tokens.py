"""Is a token believed only when we signed it, for us, and it still holds?"""

import base64
import json
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
import time_machine

from domain.people import Role
from gateways.tokens import AccessTokens, InvalidToken, fingerprint, new_refresh_token

SECRET = "a test secret of more than thirty-two characters"
USER, SESSION = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 3, 14, 12, 0, 0, 250_000, tzinfo=UTC)
MONTH = NOON + timedelta(days=30)


def the_tokens(**changes: str) -> AccessTokens:
    return AccessTokens(**{"secret": SECRET, "issuer": "callout", "audience": "spa", **changes})


def a_token(tokens: AccessTokens | None = None) -> str:
    issued = (tokens or the_tokens()).issue(
        user_id=USER, role=Role.PROVIDER, session_id=SESSION, session_expires_at=MONTH
    )
    return issued.text


def claims(**changes: Any) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    good = {
        "iss": "callout",
        "aud": "spa",
        "sub": str(USER),
        "exp": now + 900,
        "iat": now,
        "jti": "1",
        "role": "PROVIDER",
        "sid": str(SESSION),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: Any, *, secret: str = SECRET, algorithm: str = "HS256") -> str:
    with warnings.catch_warnings():
        # A longer hash asks for a longer key; that is not what is tested here.
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        return jwt.encode(payload, secret, algorithm=algorithm)


def forged(header: Any, payload: Any, signature: str = "") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(p).encode()) for p in (header, payload))
    return ".".join([*(part.decode().rstrip("=") for part in parts), signature])


@time_machine.travel(NOON, tick=False)
def test_a_token_carries_every_claim_and_lapses_after_fifteen_minutes() -> None:
    issued = the_tokens().issue(
        user_id=USER, role=Role.PROVIDER, session_id=SESSION, session_expires_at=MONTH
    )
    noon = int(NOON.timestamp())
    body = jwt.decode(issued.text, SECRET, algorithms=["HS256"], audience="spa")
    assert isinstance(body.pop("jti"), str)
    assert body == {
        "iss": "callout",
        "aud": "spa",
        "sub": str(USER),
        "exp": noon + 900,
        "iat": noon,
        "role": "PROVIDER",
        "sid": str(SESSION),
    }
    assert issued.expires_at == datetime.fromtimestamp(noon + 900, UTC)
    assert jwt.get_unverified_header(issued.text) == {"alg": "HS256", "typ": "JWT"}


def test_a_token_reads_back_as_what_it_was_issued_for() -> None:
    read = the_tokens().read(signed(claims(exp=4_000_000_000)))
    assert (read.user_id, read.session_id) == (USER, SESSION)
    assert read.expires_at == datetime.fromtimestamp(4_000_000_000, UTC)


def test_no_two_tokens_are_alike() -> None:
    assert a_token() != a_token()


@time_machine.travel(NOON, tick=False)
def test_a_token_never_outlives_its_session() -> None:
    ends = NOON.replace(microsecond=0) + timedelta(minutes=3)
    issued = the_tokens().issue(
        user_id=USER, role=Role.CUSTOMER, session_id=SESSION, session_expires_at=ends
    )
    assert issued.expires_at == ends


def test_a_token_holds_until_its_expiry_and_not_after() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = a_token()
        clock.move_to(NOON + timedelta(minutes=15, seconds=-1))
        assert the_tokens().read(token).user_id == USER
        clock.move_to(NOON + timedelta(minutes=15))
        with pytest.raises(InvalidToken, match="ExpiredSignatureError"):
            the_tokens().read(token)


def test_a_token_of_a_process_whose_clock_is_ahead_is_good() -> None:
    ahead = int(datetime.now(UTC).timestamp()) + 30
    assert the_tokens().read(signed(claims(iat=ahead))).user_id == USER


@pytest.mark.parametrize(
    "token",
    [
        forged({"alg": "none", "typ": "JWT"}, claims()),
        forged({"alg": "None"}, claims(), "x"),
        signed(claims(), algorithm="HS384"),
        signed(claims(), algorithm="HS512"),
        signed(claims(), secret="another secret of more than thirty-two characters"),
        a_token()[:-2] + "AA",
        forged({"alg": "HS256"}, claims(role="ADMIN"), a_token().rpartition(".")[2]),
    ],
    ids=["none", "None", "HS384", "HS512", "wrong key", "wrong signature", "changed payload"],
)
def test_a_token_we_did_not_sign_in_our_one_way_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        the_tokens().read(token)


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another"},
        {"aud": ["another"]},
        {"iss": "another"},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": 10**30},
        {"sub": "not an id"},
        {"sub": 7},
        {"sid": "not an id"},
        {"sid": {}},
        *({name: None} for name in ("iss", "aud", "sub", "exp", "iat", "jti", "role", "sid")),
    ],
    ids=str,
)
def test_a_signed_token_with_a_wrong_or_missing_claim_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        the_tokens().read(signed(claims(**wrong)))


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "é.é.é",
        "\ud800.x.x",
        "\x00",
        "e30.e30.",
        forged([], []),
        forged(3, claims()),
        forged({"alg": []}, claims(), "AA"),
        forged({"alg": "HS256", "crit": ["x"]}, claims(), "AA"),
        base64.urlsafe_b64encode(b"[" * 3000).decode() + ".e30.AA",
        "x" * 100_000,
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_garbage_is_refused_as_garbage(garbage: str) -> None:
    with pytest.raises(InvalidToken):
        the_tokens().read(garbage)


def test_a_token_does_not_show_in_its_own_repr() -> None:
    issued = the_tokens().issue(
        user_id=USER, role=Role.CUSTOMER, session_id=SESSION, session_expires_at=MONTH
    )
    assert issued.text not in repr(issued)


def test_refresh_tokens_are_long_random_and_kept_as_a_hash() -> None:
    tokens = {new_refresh_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert {len(fingerprint(token)) for token in tokens} == {32}
    assert len({fingerprint(token) for token in tokens}) == 100


def test_a_lone_surrogate_has_a_fingerprint_like_any_text() -> None:
    assert fingerprint("\ud800") != fingerprint("\ud801")
