"""Is a feed what iCalendar's readers expect, byte by byte?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from api.icalendar import render
from domain.icalendar import Entry, EntryStatus, Feed
from tests.factories import BOOKING, NOW, an_address


def an_entry(**changes: Any) -> Entry:
    """The home clean of the day after `NOW`."""
    facts: dict[str, Any] = {
        "booking_id": BOOKING,
        "sequence": 3,
        "changed_at": NOW,
        "starts_at": NOW + timedelta(days=1),
        "ends_at": NOW + timedelta(days=1, hours=2),
        "status": EntryStatus.CONFIRMED,
        "summary": "Home clean",
        "address": an_address(),
        "notes": "Mind the cat",
    }
    return Entry(**facts | changes)


def rendered(*entries: Entry, name: str = "Chloe C.") -> bytes:
    return render(Feed(provider_name=name, time_zone="Europe/London", entries=entries))


def unfolded(body: bytes) -> list[str]:
    """The content lines of a feed, by RFC 5545 and nobody's parser."""
    assert body.endswith(b"\r\n")
    return body.replace(b"\r\n ", b"").decode().split("\r\n")[:-1]


def test_a_feed_is_these_lines() -> None:
    lines = unfolded(rendered(an_entry()))
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-1] == "END:VCALENDAR"
    event = lines.index("BEGIN:VEVENT")
    assert sorted(lines[1:event]) == [
        "CALSCALE:GREGORIAN",
        "NAME:Callout: Chloe C.",
        "PRODID:-//Callout//Provider calendar//EN",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "VERSION:2.0",
        "X-PUBLISHED-TTL:PT15M",
        "X-WR-CALNAME:Callout: Chloe C.",
        "X-WR-TIMEZONE:Europe/London",
    ]
    assert sorted(lines[event + 1 : -2]) == [
        "DESCRIPTION:Mind the cat",
        "DTEND:20260602T140000Z",
        "DTSTAMP:20260601T120000Z",
        "DTSTART:20260602T120000Z",
        "LAST-MODIFIED:20260601T120000Z",
        r"LOCATION:1 Parliament Square\, London\, SW1A 0AA\, GB",
        "SEQUENCE:3",
        "STATUS:CONFIRMED",
        "SUMMARY:Home clean",
        "TRANSP:OPAQUE",
        "UID:00000000-0000-0000-0000-000000000004@callout",
    ]


def test_a_cancelled_entry_takes_no_time_and_what_is_not_told_has_no_line() -> None:
    gone = an_entry(status=EntryStatus.CANCELLED, address=None, notes="")
    lines = unfolded(rendered(gone))
    assert "STATUS:CANCELLED" in lines
    assert "TRANSP:TRANSPARENT" in lines
    assert not [line for line in lines if line.startswith(("LOCATION", "DESCRIPTION"))]


def test_a_feed_without_entries_is_a_calendar_all_the_same() -> None:
    assert Calendar.from_ical(rendered()).events == []


@pytest.mark.parametrize("letter", ["x", "é", "日", "👩🏽‍🔧", ",", "\\", "\n"])
def test_lines_are_folded_at_75_octets_and_never_within_a_character(letter: str) -> None:
    for length in range(60, 80):
        notes = "a" * (length % 7) + letter * length
        body = rendered(an_entry(notes=notes))
        lines = body.split(b"\r\n")
        assert max(len(line) for line in lines) <= 75
        # Not in the middle of a character: each line can be read by itself.
        assert all(line.decode() is not None for line in lines)
        assert b"\n" not in body.replace(b"\r\n", b"")
        (event,) = Calendar.from_ical(body).events
        assert str(event["description"]) == notes


@pytest.mark.parametrize(
    ("notes", "read"),
    [
        ("Ring; twice, then \\wait\\", "Ring; twice, then \\wait\\"),
        ("Not \\n a new line", "Not \\n a new line"),
        ("one\ntwo\r\nthree\rfour", "one\ntwo\nthree\nfour"),
        ("page\x0cnel\x85sep\u2028par\u2029", "page\nnel\nsep\npar\n"),
        ("bell\x07 and nothing\x7f\tbut a tab", "bell and nothing\tbut a tab"),
        ("END:VEVENT\r\nBEGIN:VEVENT\r\nUID:forged", "END:VEVENT\nBEGIN:VEVENT\nUID:forged"),
    ],
)
def test_a_text_is_read_as_it_was_written_and_cannot_break_out(notes: str, read: str) -> None:
    body = rendered(an_entry(notes=notes, summary=notes), name=notes)
    calendar = Calendar.from_ical(body)
    (event,) = calendar.events
    assert (str(event["description"]), str(event["summary"])) == (read, read)
    # What is said of the calendar is escaped in the same way.
    (said,) = (line for line in unfolded(body) if line.startswith("SUMMARY:"))
    for name in ("NAME", "X-WR-CALNAME"):
        assert f"{name}:Callout: {said.removeprefix('SUMMARY:')}" in unfolded(body)
    assert body.count(b"BEGIN:VEVENT\r\n") == 1


def test_instants_come_back_as_they_were_whatever_clocks_do() -> None:
    starts = [
        # Before and after a change of the clock: New York, London, Lord Howe, Cairo, Kathmandu.
        *(datetime(2026, 3, 8, hour, 30, tzinfo=UTC) for hour in (6, 7)),
        *(datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6)),
        *(datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)),
        datetime(2026, 4, 4, 14, 45, tzinfo=UTC),
        datetime(2026, 4, 23, 22, tzinfo=UTC),
        datetime(2026, 5, 31, 18, 15, tzinfo=UTC),
    ]
    entries = [an_entry(starts_at=at, ends_at=at + timedelta(hours=3)) for at in starts]
    events = Calendar.from_ical(rendered(*entries)).events
    assert [event.start for event in events] == sorted(starts)
    assert {event.end - event.start for event in events} == {timedelta(hours=3)}


def test_the_same_feed_gives_the_same_bytes_in_whatever_order_it_was_read() -> None:
    first, second = an_entry(), an_entry(starts_at=NOW, sequence=9)
    assert rendered(first, second) == rendered(second, first)
