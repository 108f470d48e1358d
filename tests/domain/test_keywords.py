"""Is a concern read as people mean it, and nothing into words that only look alike?"""

from __future__ import annotations

from typing import Any, Final

import pytest

from domain import keywords
from domain.keywords import KEYWORDS, KeywordGroup, extract

#: What people write, and all that it is about.
EXAMPLES: Final = {
    # Diagnostics
    "Check engine light came on yesterday": ("check engine",),
    "There's a warning light on the dash": ("warning light",),
    "It shows an error code, P0420": ("fault codes",),
    "ABS fault on the motorway": ("abs",),
    "The air bag came out": ("airbag",),
    "Something drains: the battery is flat every morning": ("battery drain",),
    "It overheats in traffic": ("overheating",),
    "Strange rattling under the seat": ("noise",),
    "The wheel shudders above 60": ("vibration",),
    "Car won\u2019t start when it is cold": ("starting trouble",),
    # Installations
    "Fit a reversing camera": ("backup camera",),
    "Two dash cams, front and back": ("dashcam",),
    "I'd like a remote starter": ("remote start",),
    "New head unit and speakers": ("audio",),
    "Parking sensors, four of them": ("parking sensors",),
    "The immobiliser does not know my key": ("car alarm",),
    "A GPS tracker for the van": ("tracker",),
    "A towbar with electrics": ("tow bar", "electrics"),
    "Put on the roof bars": ("roof rack",),
    "Wallbox in the garage": ("ev charger",),
    "A video doorbell": ("cctv",),
    # Repairs
    "The brakes feel soft": ("brakes",),
    "A broken coil spring": ("suspension",),
    "The tie rods are worn": ("steering",),
    "The engine misfires": ("engine",),
    "Gearbox jumps out of third": ("transmission",),
    "The clutch slips": ("clutch",),
    "Catalytic converter was stolen": ("exhaust",),
    "Alternator gives 11 V": ("alternator",),
    "The starter only clicks": ("starter motor",),
    "A new car battery": ("battery",),
    "Hybrid battery lost its range": ("hybrid battery",),
    "Water pump whines": ("cooling system",),
    "It is leaking oil on the drive": ("oil leak",),
    "One injector is dead": ("fuel system",),
    "Turbochargers whistle": ("turbo",),
    "A wheel bearing hums": ("wheel bearing",),
    "The A/C blows warm": ("air conditioning",),
    "A brake light is out": ("vehicle lights",),
    "Chip in the windshield": ("windscreen",),
    "An electric window is stuck": ("power windows",),
    "A dent in the bumper": ("bodywork",),
    # Maintenance
    "Please change the oil": ("oil change",),
    "Oil and filter change": ("oil change", "filters"),
    "New cabin filter": ("filters",),
    "New brake pads": ("brakes", "brake pads"),
    "Brake fluid is old": ("brakes", "brake fluid"),
    "Replace transmission fluid": ("transmission", "transmission fluid"),
    "Rotate my tyres": ("tyre rotation",),
    "Tires rotated": ("tyre rotation",),
    "Two new tires": ("tyres",),
    "Wheel alignment is off": ("wheel alignment",),
    "Coolant leaks somewhere": ("coolant",),
    "Spark plugs are due": ("spark plugs",),
    "Cambelt at 100 000": ("timing belt",),
    "Wipers smear": ("wipers",),
    "Annual service": ("servicing",),
    "MOT is due": ("mot",),
    # Brands
    "BMW coding for new lamps": ("bmw coding",),
    "Tesla diagnostics needed": ("tesla diagnostics",),
    "Needs Mercedes STAR": ("mercedes star",),
    "VW/Audi VCDS scan": ("vw audi vcds",),
    "Do you have FORScan?": ("ford forscan",),
    "Read it with PIWIS": ("porsche piwis",),
    "Techstream session": ("toyota techstream",),
    # Cleaning
    "The oven is black": ("oven",),
    "Defrost the freezer": ("fridge",),
    "Carpets in two rooms": ("carpet",),
    "A sofa and two armchairs": ("upholstery",),
    "One mattress": ("mattress",),
    "End-of-tenancy clean": ("end of tenancy",),
    "A deep clean": ("deep clean",),
    "After the builders have gone": ("after builders",),
    "Windows inside and out": ("windows",),
    "Limescale on everything": ("limescale",),
    "Mold behind the wardrobe": ("mould",),
    "Red wine": ("stains",),
    "Hard water stains": ("limescale", "stains"),
    "Cat hair everywhere": ("pet hair",),
    "It smells of smoke": ("odour",),
    "Grouting has gone grey": ("grout",),
    "The bathroom": ("bathroom",),
    "Ironing, four shirts": ("laundry",),
    "Gutters are full": ("gutters",),
    "Jet-wash the drive": ("pressure washing",),
    "Sanitise all handles": ("disinfection",),
    # Facilities
    "The boiler says E119": ("boiler",),
    "Radiators stay cold": ("heating",),
    "No hot water": ("hot water",),
    "No running hot water": ("hot water",),
    "I smell gas": ("gas leak",),
    "A leak under the sink": ("leak",),
    "The drain is blocked": ("blocked drain",),
    "A dripping tap": ("leak", "taps"),
    "Clogged toilets": ("blocked drain", "toilet"),
    "The cistern never fills": ("toilet",),
    "A light fitting hangs loose": ("light fitting",),
    "A fuse blows": ("electrics",),
    "The smoke alarm's battery beeps": ("smoke alarm",),
    "The lock is stiff": ("locks",),
    "A door handle came off": ("doors",),
    "A broken window": ("glazing",),
    "Repaint the hall": ("painting",),
    "Patch the plaster": ("plastering",),
    "A loose tile": ("flooring",),
    "Assemble a wardrobe": ("furniture assembly",),
    "Mount the TV": ("mounting",),
    "The washing machine stops": ("appliances",),
    "Mice in the loft": ("pest control",),
    "The roof lets water in": ("roof",),
    "Condensation on the wall": ("damp",),
}


@pytest.mark.parametrize(("concern", "expected"), EXAMPLES.items())
def test_a_concern_is_about_exactly_these(concern: str, expected: tuple[str, ...]) -> None:
    assert extract(concern) == expected


def test_every_keyword_has_an_example() -> None:
    shown = {name for names in EXAMPLES.values() for name in names}

    assert [one.name for one in KEYWORDS if one.name not in shown] == []


@pytest.mark.parametrize(
    "concern",
    [
        "Breakfast is at eight",
        "A woven basket",
        "Absolutely nothing",
        "Start at nine, please",
        "A five star review",
        "Block C, third floor",
        "The clock and the locker",
        "My car. Pet-friendly, please",
        "A carpetbagger, a carpenter",
        "Students and dentists",
        "A motor, a motto",
        "The barista",
        "An ab machine",
        "Ratio and rather",
        "The environment",
        "Tape and tapestry",
        "Battered by the weather",
        "Fillet and filtered",
        "Doors are open. Handle with care",
        "éabs",
        "",
    ],
)
def test_words_that_only_look_alike_are_not_found(concern: str) -> None:
    assert extract(concern) == ()


@pytest.mark.parametrize(
    ("concern", "expected"),
    [
        ("BRAKE", ("brakes",)),
        ("brakes", ("brakes",)),
        ("the brake's worn", ("brakes",)),
        ("all four tyres", ("tyres",)),
        ("ONE TIRE", ("tyres",)),
        ("change a tyre", ("tyres",)),
        ("batteries", ("battery",)),
        ("the fuse boxes", ("electrics",)),
        ("light switches", ("light fitting",)),
        ("clutches", ("clutch",)),
        ("double-glazing", ("glazing",)),
        ("oil\tchange", ("oil change",)),
        ("oil\nchange", ()),
        ("oil, change", ()),
        ("backup camera/dashcam", ("backup camera", "dashcam")),
        ("cleaning an oven-hood", ("oven",)),
    ],
)
def test_case_number_spelling_and_spacing_do_not_matter(
    concern: str, expected: tuple[str, ...]
) -> None:
    assert extract(concern) == expected


def test_the_order_is_the_tables_and_each_comes_once() -> None:
    concern = "Boiler, carpets, brakes; ABS. Carpet and BRAKES and the boiler"

    assert extract(concern) == ("abs", "brakes", "carpet", "boiler")


def test_a_longer_phrase_takes_its_words_for_itself() -> None:
    assert extract("check engine") == ("check engine",)
    assert extract("check the engine, and the engine mounts") == ("check engine", "engine")
    assert extract("anti-lock brakes") == ("abs",)


def test_a_phrase_does_not_go_on_into_the_next_sentence() -> None:
    assert extract("Please check. Engine is fine") == ("engine",)
    assert extract("The engine (mount it!) and a flat, battery") == ("engine", "battery")


def test_every_phrase_is_found_by_itself_and_in_a_crowd() -> None:
    for phrase, names in keywords._PHRASES.items():
        alone = " ".join(phrase)
        assert set(extract(alone)) == names, phrase
        assert set(extract(f"Hello! Since May: {alone.upper()}. Thanks")) == names, phrase


def test_no_word_is_found_within_another() -> None:
    for phrase in keywords._PHRASES:
        word = phrase[0] if len(phrase) == 1 else ""
        assert extract(f"q{word}") == extract(f"{word}q") == extract(f"{word}9") == ()


def test_the_table_has_names_that_providers_can_choose() -> None:
    names = [one.name for one in KEYWORDS]

    assert len(set(names)) == len(names) >= 40
    assert {one.group for one in KEYWORDS} == set(KeywordGroup)
    assert all(name == " ".join(name.lower().split()) for name in names)


class Counting(dict[Any, Any]):
    """Phrases that count how often they are looked up."""

    looks = 0

    def get(self, key: Any, default: Any = None) -> Any:
        self.looks += 1
        return super().get(key, default)


@pytest.mark.parametrize(
    "hostile",
    [
        "a " * 1000,
        "brake " * 333,
        "oil and filter " * 133,
        "check engine management " * 83,
        "s" * 2000,
        "'" * 2000,
        "a/c " * 500,
        "." * 2000,
        "b\u0130" * 1000,
    ],
)
def test_a_hostile_text_is_looked_at_a_few_times_a_word(
    hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(keywords._PHRASES)
    monkeypatch.setattr(keywords, "_PHRASES", counting)

    found = extract(hostile)

    assert 1900 < len(hostile) <= 2000
    assert counting.looks <= 4 * len(keywords._words(hostile))
    assert len(set(found)) == len(found)


def test_the_one_pattern_repeats_nothing_that_repeats() -> None:
    # One `+`, of single characters, and no way to fail after it: no text is read twice.
    assert keywords._TOKEN.pattern.count("+") == 1
    assert not set("*{") & set(keywords._TOKEN.pattern)
