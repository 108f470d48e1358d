"""What is a concern about, in words that providers can say of themselves?

One table names the keywords and the phrases that speak of each. A phrase is found by whole words,
whatever their case, their number and the spelling of tyres; an article or "is" between its words
does not matter, the end of a sentence does. Where several phrases begin at a word the longest
counts, and its words count for nothing else: in "check engine light" no engine needs repair, unless
the table says so by naming the phrase twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class KeywordGroup(StrEnum):
    """What kind of work a keyword speaks of."""

    DIAGNOSTICS = "DIAGNOSTICS"
    INSTALLATIONS = "INSTALLATIONS"
    REPAIRS = "REPAIRS"
    MAINTENANCE = "MAINTENANCE"
    BRANDS = "BRANDS"
    CLEANING = "CLEANING"
    FACILITIES = "FACILITIES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """One keyword, by its only name, in lower case."""

    name: str
    group: KeywordGroup


#: Every keyword and its phrases, in the singular.
_TABLE: Final[dict[KeywordGroup, dict[str, str]]] = {
    KeywordGroup.DIAGNOSTICS: {
        "check engine": "check engine | check engine light | engine light | engine warning light"
        " | engine management light",
        "warning light": "warning light | dashboard light | dash light",
        "fault codes": "fault code | error code | trouble code | obd | obd2 | diagnostic scan",
        "abs": "abs | anti lock brake | antilock brake | anti lock braking | antilock braking",
        "airbag": "airbag | air bag | srs light",
        "battery drain": "battery drain | battery drained | battery draining | drain battery"
        " | draining battery | drained battery | battery keep dying | battery dying | battery dead"
        " | dead battery | battery flat | flat battery | parasitic drain | parasitic draw",
        "overheating": "overheat | overheated | overheating | run hot | running hot",
        "noise": "noise | noisy | squeak | squeaking | squeaky | squeal | squealing | rattle"
        " | rattling | clunk | clunking | grinding | engine knocking",
        "vibration": "vibration | vibrate | vibrating | judder | juddering | shudder | shuddering",
        "starting trouble": "wont start | will not start | doesnt start | does not start"
        " | cant start | cannot start | fail to start | hard to start | non starter",
    },
    KeywordGroup.INSTALLATIONS: {
        "backup camera": "backup camera | back up camera | reversing camera | reverse camera"
        " | rear camera | rear view camera | rearview camera | parking camera",
        "dashcam": "dashcam | dash cam | dash camera | dashboard camera",
        "remote start": "remote start | remote starter | remote car starter",
        "audio": "audio | stereo | car radio | head unit | subwoofer | speaker | amplifier"
        " | carplay | android auto",
        "parking sensors": "parking sensor | reversing sensor",
        "car alarm": "car alarm | vehicle alarm | immobiliser | immobilizer",
        "tracker": "gps | gps tracker | car tracker | vehicle tracker",
        "tow bar": "tow bar | towbar | tow hitch | trailer hitch",
        "roof rack": "roof rack | roof bar | roof box",
        "ev charger": "ev charger | car charger | electric vehicle charger | wallbox | charge point"
        " | charging point",
        "cctv": "cctv | security camera | doorbell camera | video doorbell",
    },
    KeywordGroup.REPAIRS: {
        "brakes": "brake | braking | brake pad | brake shoe | brake disc | brake rotor"
        " | brake caliper | brake fluid | brake line",
        "suspension": "suspension | shock absorber | strut | control arm | ball joint | coil spring"
        " | wishbone",
        "steering": "steering | power steering | steering rack | tie rod | track rod",
        "engine": "engine | engine mount | engine knocking | misfire | misfiring | head gasket"
        " | cylinder head | camshaft | crankshaft",
        "transmission": "transmission | transmission fluid | gearbox | gear box",
        "clutch": "clutch | clutch pedal",
        "exhaust": "exhaust | exhaust pipe | muffler | silencer | catalytic converter | dpf",
        "alternator": "alternator",
        "starter motor": "starter motor | starter",
        "battery": "battery | car battery",
        "hybrid battery": "hybrid battery | hybrid system",
        "cooling system": "cooling system | cooling fan | water pump | car radiator"
        " | radiator hose",
        "oil leak": "oil leak | oil leaking | leak oil | leaking oil | losing oil",
        "fuel system": "fuel system | fuel pump | fuel injector | injector | fuel leak",
        "turbo": "turbo | turbocharger",
        "wheel bearing": "wheel bearing",
        "air conditioning": "air conditioning | air conditioner | air con | aircon | ac | hvac",
        "vehicle lights": "headlight | head light | headlamp | tail light | taillight | brake light"
        " | fog light | indicator light",
        "windscreen": "windscreen | windshield",
        "power windows": "power window | electric window | car window | window regulator",
        "bodywork": "bodywork | bumper | dent | car paint | car door | respray",
    },
    KeywordGroup.MAINTENANCE: {
        "oil change": "oil change | change oil | changing oil | oil and filter change"
        " | oil need changing | engine oil | check engine oil",
        "filters": "filter | oil and filter change",
        "brake pads": "brake pad | brake shoe",
        "brake fluid": "brake fluid",
        "transmission fluid": "transmission fluid",
        "tyre rotation": "tire rotation | tire rotated | rotate tire | rotating tire"
        " | wheel rotation",
        "tyres": "tire | puncture | tread",
        "wheel alignment": "wheel alignment | tire alignment | wheel balance | wheel balancing",
        "coolant": "coolant | coolant leak | coolant leaking | leaking coolant | antifreeze"
        " | anti freeze",
        "spark plugs": "spark plug | glow plug",
        "timing belt": "timing belt | timing chain | cam belt | cambelt | drive belt | fan belt"
        " | serpentine belt",
        "wipers": "wiper | windscreen wiper | windshield wiper",
        "servicing": "annual service | full service | interim service | major service | car service"
        " | service due | tune up",
        "mot": "mot",
    },
    KeywordGroup.BRANDS: {
        "bmw coding": "bmw coding | coding bmw | code bmw | bmw programming | bimmercode | ista",
        "tesla diagnostics": "tesla diagnostic | tesla diagnosis | diagnose tesla | tesla toolbox"
        " | tesla service mode",
        "mercedes star": "mercedes star | mercedes benz star | star diagnosis | star diagnostic"
        " | mercedes diagnostic | mercedes coding | xentry",
        "vw audi vcds": "vcds | vag com | vagcom | vw coding | vw diagnostic | volkswagen coding"
        " | volkswagen diagnostic | audi coding | audi diagnostic",
        "ford forscan": "forscan | ford coding | ford programming | ford diagnostic",
        "porsche piwis": "piwis | porsche coding | porsche diagnostic",
        "toyota techstream": "techstream | toyota diagnostic | lexus diagnostic",
    },
    KeywordGroup.CLEANING: {
        "oven": "oven | cooker | hob | extractor hood",
        "fridge": "fridge | freezer | refrigerator",
        "carpet": "carpet | rug",
        "upholstery": "upholstery | sofa | couch | armchair | settee",
        "mattress": "mattress",
        "end of tenancy": "end of tenancy | end tenancy | tenancy clean | tenancy cleaning"
        " | end of lease | moving out | move out clean | move out cleaning | bond cleaning",
        "deep clean": "deep clean | deep cleaning | spring clean | spring cleaning",
        "after builders": "after builder | builder clean | builder dust | after renovation"
        " | post construction | construction dust",
        "windows": "window",
        "limescale": "limescale | lime scale | hard water stain | descale | descaling",
        "mould": "mould | mouldy | mildew",
        "stains": "stain | stained | red wine | hard water stain",
        "pet hair": "pet hair | dog hair | cat hair | animal hair",
        "odour": "odour | odor | smell | smelly",
        "grout": "grout | grouting",
        "bathroom": "bathroom | shower screen | shower room | toilet clean | toilet cleaning",
        "laundry": "laundry | ironing | bedding | linen",
        "gutters": "gutter | guttering",
        "pressure washing": "pressure wash | pressure washing | pressure washer | jet wash"
        " | jet washing | power wash | power washing",
        "disinfection": "disinfection | disinfect | disinfecting | sanitise | sanitising | sanitize"
        " | sanitizing",
    },
    KeywordGroup.FACILITIES: {
        "boiler": "boiler | combi",
        "heating": "heating | central heating | no heat | radiator | thermostat",
        "hot water": "hot water | running hot water | water heater | immersion heater",
        "gas leak": "gas leak | gas smell | smell gas | smell of gas | leaking gas",
        "leak": "leak | leaking | leaky | leakage | drip | dripping | burst pipe | roof leak"
        " | leaking roof | dripping tap | leaking tap",
        "blocked drain": "blocked drain | drain blocked | blocked sink | sink blocked | blockage"
        " | blocked toilet | toilet blocked | blocked pipe | blocked shower | clogged drain"
        " | clogged sink | clogged toilet | unblock drain | unblock sink | unblock toilet",
        "taps": "tap | faucet | dripping tap | leaking tap",
        "toilet": "toilet | cistern | blocked toilet | toilet blocked | clogged toilet"
        " | unblock toilet",
        "light fitting": "light fitting | light fixture | light bulb | lightbulb | light switch"
        " | ceiling light | chandelier | downlight | spotlight",
        "electrics": "electrics | electrical | electrician | socket | fuse | fuse box | fusebox"
        " | circuit breaker | consumer unit | wiring | rewire | rewiring | power cut",
        "smoke alarm": "smoke alarm | smoke alarm battery | smoke detector | fire alarm"
        " | carbon monoxide alarm",
        "locks": "lock | locksmith | deadbolt | locked out | lockout | lost key | broken key",
        "doors": "door handle | door hinge | hinge | door frame | door stuck | stuck door"
        " | sticking door",
        "glazing": "glazing | double glazing | broken window | window broken | cracked window"
        " | window cracked | window frame | window pane | window lock",
        "painting": "painting | paint | repaint | decorating | redecorate | wallpaper",
        "plastering": "plastering | plaster | drywall | plasterboard",
        "flooring": "flooring | floorboard | laminate | parquet | loose tile",
        "furniture assembly": "furniture assembly | assemble furniture | flat pack | flatpack"
        " | assemble bed | assemble wardrobe",
        "mounting": "shelf | shelve | shelving | mount tv | tv mount | tv mounting | wall mount"
        " | curtain rail | hang picture",
        "appliances": "appliance | washing machine | dishwasher | tumble dryer | washer dryer"
        " | microwave",
        "pest control": "pest | pest control | infestation | rodent | mice | rat | cockroach"
        " | bed bug | bedbug | wasp nest",
        "roof": "roof | roof tile | roof leak | leaking roof",
        "damp": "damp | damp proofing | condensation",
    },
}

#: All keywords, in the table's order. Providers choose theirs from these.
KEYWORDS: Final = tuple(
    Keyword(name=name, group=group) for group, keywords in _TABLE.items() for name in keywords
)

#: Words; the end of a sentence, or of a part of one; and one word that is written with a stroke.
_TOKEN: Final = re.compile(r"\ba/c\b|[^\W_]+|[.,:;!?()\n]")
_APOSTROPHES: Final = str.maketrans("", "", "'\u2019")
#: What may stand between the words of a phrase.
_FILLERS: Final = frozenset(
    {"a", "an", "the", "my", "our", "your", "his", "her", "their", "this", "these", "is", "are"}
)
_SPELLINGS: Final = {"a/c": "ac", "tyre": "tire", "mold": "mould", "moldy": "mouldy"}


def extract(concern: str) -> tuple[str, ...]:
    """The names of the keywords that a concern speaks of, in the table's order, each once.

    At most so many looks for each word as the longest phrase has words, whatever the text.
    """
    words = _words(concern)
    found: set[str] = set()
    at = 0
    while at < len(words):
        names, taken = _longest(words, at)
        found |= names
        at += taken
    return tuple(keyword.name for keyword in KEYWORDS if keyword.name in found)


def _longest(words: tuple[str, ...], at: int) -> tuple[frozenset[str], int]:
    """What the longest phrase that begins here speaks of, and how many words it has."""
    for length in range(min(_MOST_WORDS, len(words) - at), 0, -1):
        if names := _PHRASES.get(words[at : at + length]):
            return names, length
    return frozenset(), 1


def _words(text: str) -> tuple[str, ...]:
    """The words of a text as phrases are made of them."""
    tokens = _TOKEN.findall(text.casefold().translate(_APOSTROPHES))
    plain = (_SPELLINGS.get(word, word) for word in map(_singular, tokens))
    return tuple(word for word in plain if word not in _FILLERS)


def _singular(word: str) -> str:
    """A word without its plural's ending. Short ones, such as "abs" and "gas", have none."""
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word.removesuffix("s")


def _phrases() -> dict[tuple[str, ...], frozenset[str]]:
    """Each phrase, and all keywords that it speaks of."""
    spoken: dict[tuple[str, ...], frozenset[str]] = {}
    for keywords in _TABLE.values():
        for name, phrases in keywords.items():
            for phrase in map(_words, phrases.split("|")):
                spoken[phrase] = spoken.get(phrase, frozenset()) | {name}
    return spoken


_PHRASES: Final = _phrases()
_MOST_WORDS: Final = max(map(len, _PHRASES))
