"""Do the figures say what happened, and the report what the figures say?"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from statistics import fmean

import pytest

from callout.simulation import figures, report
from domain.offers import OfferState, Wave
from tests.callout.simulation.days import BOOKINGS, PROVIDERS, played


def test_the_bookings_add_up() -> None:
    day = played("v1", "v2")
    told, given = day.figures.bookings, day.memory.assignments

    assert told.requested == BOOKINGS == told.assigned + told.unfilled
    assert told.assigned == len(given) == sum(told.by_wave.values())
    assert told.assignment_rate == pytest.approx(told.assigned / BOOKINGS)
    assert list(told.by_wave) == [wave.value for wave in Wave]
    asked = {uid for uid in day.memory.bookings if day.memory.offers_of(uid)}
    assert told.out_of_reach == len(day.memory.bookings.keys() - asked)
    assert told.seconds_to_assign_p50 is not None
    assert told.seconds_to_assign_p90 is not None
    assert 0 < told.seconds_to_assign_p50 < told.seconds_to_assign_p90


def test_the_offers_add_up() -> None:
    day = played("v1")
    told, memory = day.figures.offers, day.memory
    put = [o for uid in memory.bookings for o in memory.offers_of(uid) if o.wave is not Wave.AUTO]
    said_yes = sum(one.wave is not Wave.AUTO for one in memory.assignments.values())

    assert told.made == len(put)
    assert told.per_assignment == round(len(put) / len(memory.assignments), 2)
    assert told.acceptance_rate == pytest.approx(said_yes / len(put), abs=1e-4)
    rates = (
        told.acceptance_rate,
        told.rejection_rate,
        told.expiry_rate,
        told.withdrawal_rate,
    )
    assert sum(rate or 0 for rate in rates) == pytest.approx(1, abs=2e-4)
    states = Counter(one.state for one in put)
    assert told.rejection_rate == pytest.approx(states[OfferState.REJECTED] / len(put), abs=1e-4)
    assert told.expiry_rate == pytest.approx(states[OfferState.EXPIRED] / len(put), abs=1e-4)


def test_the_jobs_of_newcomers_add_up() -> None:
    day = played("v1")
    told, given = day.figures.fairness, day.memory.assignments.values()
    new = {one.id for one in day.people if one.is_new}
    theirs = sum(one.candidate.provider_id in new for one in given)

    assert told.newcomers == round(len(new) / PROVIDERS, 4)
    assert told.newcomers_share_of_jobs == round(theirs / len(given), 4)
    worked = {one.candidate.provider_id for one in given}
    assert told.share_who_worked == round(len(worked) / PROVIDERS, 4)
    assert told.gini is not None
    assert 0 < told.gini < 1


def test_a_policy_in_its_own_shadow_agrees_with_itself() -> None:
    told = played("v2", "v2", providers=20, bookings=30).figures.shadow

    assert told is not None
    for rounds in (told.all_rounds, told.targeted):
        assert rounds.rounds > 0
        assert (rounds.same_first, rounds.overlap) == (1.0, 1.0)
        assert rounds.live == rounds.shadow


def test_what_another_policy_would_have_chosen_is_set_beside_what_was() -> None:
    day = played("v1", "v2")
    told, choices = day.figures.shadow, day.memory.choices
    assert told is not None
    targeted = [one for one in choices if one.wave is Wave.TARGETED]

    assert told.policy == "v2"
    assert told.targeted.rounds == len(targeted)
    assert told.all_rounds.rounds == sum(one.wave is not Wave.PREFERRED for one in choices)
    same = fmean(one.chosen[0] == one.live_chosen[0] for one in targeted)
    assert told.targeted.same_first == round(same, 4)
    shadow_scores = [points for one in targeted for points in one.scores]
    assert told.targeted.shadow.mean_score == round(fmean(shadow_scores), 2)
    live_scores = [
        offer.score
        for uid in day.memory.bookings
        for offer in day.memory.offers_of(uid)
        if offer.wave is Wave.TARGETED
    ]
    assert told.targeted.live.mean_score == round(fmean(live_scores), 2)
    assert told.targeted.live.newcomers_share is not None
    assert told.targeted.shadow.newcomers_share is not None
    assert told.targeted.live.newcomers_share < told.targeted.shadow.newcomers_share


@pytest.mark.parametrize(
    ("percent", "found"), [(10, 1), (50, 5), (51, 6), (90, 9), (91, 10), (100, 10)]
)
def test_a_percentile_is_one_of_the_values(percent: int, found: int) -> None:
    assert figures._percentile(range(1, 11), percent) == found
    assert figures._percentile([], percent) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0, "0 min 00 s"),
        (210, "3 min 30 s"),
        (3599, "59 min 59 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_times_are_told_as_people_say_them(seconds: int | None, words: str) -> None:
    assert report._time(seconds) == words


def test_the_tables_say_what_the_figures_say(capsys: pytest.CaptureFixture[str]) -> None:
    told = played("v1", "v2").figures
    report.show(told)
    lines = capsys.readouterr().out.splitlines()
    cells = {line[:48].strip(): line[48:].split() for line in lines}

    assert lines[0] == "Seed 1: 60 providers, 200 bookings, policy v1"
    assert cells["Assigned"][0] == str(told.bookings.assigned)
    assert cells["by TARGETED"] == [str(told.bookings.by_wave["TARGETED"])]
    assert cells["Mean score"] == [f"{told.winners.mean_score:.2f}"]
    assert told.shadow is not None
    rounds = [told.shadow.all_rounds.rounds, told.shadow.targeted.rounds]
    assert cells["Rounds"] == [str(one) for one in rounds]
    assert "v2: newcomers' share of the chosen" in cells


def test_both_forms_say_that_the_day_is_synthetic_and_what_it_leaves_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = played("v1").figures
    report.show(told)
    shown = " ".join(capsys.readouterr().out.split())
    about = json.loads(report.as_json(told))["about"]

    assert about["synthetic"] is True
    assert about["leaves_out"] == list(report.LEAVES_OUT)
    for words in (report.WHAT_IT_IS, *report.LEAVES_OUT):
        assert words in shown
    assert "in shadow" not in shown


def test_json_holds_every_figure() -> None:
    told = played("v1", "v2").figures
    read = json.loads(report.as_json(told))

    del read["about"]
    assert read == asdict(told)


def test_a_day_on_which_nothing_comes_about_has_figures_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = played("v1", "v2", seed=3, providers=5, bookings=1).figures
    report.show(told)

    assert (told.bookings.assigned, told.bookings.unfilled) == (0, 1)
    assert told.winners == figures.Winners(mean_score=None, mean_miles=None)
    assert told.fairness.gini is None
    assert told.shadow is not None
    assert told.shadow.all_rounds.same_first is None
    assert "None" not in capsys.readouterr().out
