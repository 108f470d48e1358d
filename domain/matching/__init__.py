"""Who may do this work, and who should be asked first?

Hard rules (rules.py) say who may; the score (score.py) says how well they suit; rank.py puts them
in order. All of it is pure: db reads the candidates, and the offers are made elsewhere.
"""

from domain.matching.policies import POLICIES, V1, V2, Policy
from domain.matching.rank import Ranked, rank
from domain.matching.rules import DEFAULT as DEFAULT_RULES
from domain.matching.rules import (
    TIME_RULES,
    Candidate,
    HardRule,
    MatchingRules,
    Verdict,
    Work,
    broken,
    distance_miles,
    is_eligible,
    plain,
    verdicts,
)
from domain.matching.score import Ingredient, Priority, Score, priority, score

__all__ = [
    "DEFAULT_RULES",
    "POLICIES",
    "TIME_RULES",
    "V1",
    "V2",
    "Candidate",
    "HardRule",
    "Ingredient",
    "MatchingRules",
    "Policy",
    "Priority",
    "Ranked",
    "Score",
    "Verdict",
    "Work",
    "broken",
    "distance_miles",
    "is_eligible",
    "plain",
    "priority",
    "rank",
    "score",
    "verdicts",
]
