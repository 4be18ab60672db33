"""The numbers in the words of notebooks 05, 07, 08 and 09: measured, computed, or merely given.

What the words state as measured, the outputs of the committed notebook say, too. What they state as
computed is computed here. Anything else that looks like a result must be listed as given.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path

import notebook_checks as checks
import pytest
from scipy import stats

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
#: A share, a number of points or a p-value.
RESULT = re.compile(r"\d\s?(?:%|points?\b)|\bp = \d")
#: What is in no sentence: code, addresses, the times that ``publish`` writes.
ASIDE = re.compile(
    r"```.*?```|`[^`\n]+`|<!-- generated.*?<!-- /generated:\w+ -->|\]\([^)]*\)", re.DOTALL
)
#: A limit that somebody chose, an example, or what the words' own source says.
GIVEN = {
    "05_evaluate": [
        "Is 60 % good?",
        "About 0.5 % of the test labels are known to be wrong",
        "Two networks have 85.1 % and 85.4 %",
    ],
    "07_trust": [
        "Of all 95 % intervals made like this",
        "the bootstrap can draw none, and claims 100 % to 100 %",
        "each row adds up to 100 %",
        "pictures with a confidence of 80 %, four in five are right",
        "the confidence that 90 % of the validation pictures reach",
        "The softmax shares 100 % out",
        "to know the accuracy to ±0.1 points?",
        "A network says 99.9 % for every picture and is right on 90 % of them",
        "The accuracy stays 90 %, at any temperature",
    ],
    "08_look_inside": [
        "about 0.5 % of CIFAR-10's test labels are wrong, some 54 of 10,000",
        "right on 95 % of the test pictures",
    ],
    "09_your_image": [
        "The softmax always shares 100 % out",
        "what 90 % of the validation pictures reach",
        "only 2 % of the validation pictures stay below it",
        "below the threshold, on about 10 % of good pictures",
    ],
}


def within(share: float, *pictures: int) -> float:
    """Return two standard errors of a share, or of the difference of several, in points."""
    return 200 * math.sqrt(share * (1 - share) * sum(1 / number for number in pictures))


def mcnemar(lead: int, differ: int) -> float:
    return stats.binomtest((differ + lead) // 2, differ).pvalue


#: What follows from the numbers beside it.
COMPUTED = {
    "05_evaluate": {
        "about 95 % of all repetitions lie within two standard errors":
            abs(1 - 2 * stats.norm.sf(2) - 0.95) < 0.005,
        "Two standard errors are about 0.7 points here":
            abs(within(0.85, 10_000) - 0.7) < 0.05,
    },
    "07_trust": {
        "for 95 % it is narrower than for 75 %": within(0.95, 1_000) < within(0.75, 1_000),
        "On 10,000 pictures, a lead of 0.5 points is 50 pictures": 10_000 * 0.5 / 100 == 50,
        "near 87 %, each is known to ±0.7 points only":
            abs(within(0.87, 10_000) - 0.7) < 0.05,
        "p = 0.02 if they differ on 410 pictures, and p = 0.12 if they differ on 1,000":
            (round(mcnemar(50, 410), 2), round(mcnemar(50, 1_000), 2)) == (0.02, 0.12),
        "If mistakes fell anywhere, 47 % of them would stay within such groups":
            round(100 * (6 * 5 + 4 * 3) / (10 * 9)) == 47,
        "±1 point for 5,000 validation and 10,000 test pictures":
            abs(within(0.9, 5_000, 10_000) - 1) < 0.05,
        "With p = 0.9 that is 360,000 pictures": round(4 * 0.9 * 0.1 / 0.001**2) == 360_000,
        "The error is about 10 %":
            round(100 * (0.999 - 0.9)) == 10,
    },
    "08_look_inside": {
        "on 1,000 pictures, each point is known to about ±3 points":
            abs(within(0.5, 1_000) - 3) < 0.2,
    },
}  # fmt: skip


def shares(pattern: str, outputs: str) -> list[float]:
    """Return all numbers that stand where a pattern has ``#``."""
    found = re.findall(re.escape(pattern).replace(r"\#", r"([\d.]+)"), outputs)
    return [
        float(number) for each in found for number in ([each] if isinstance(each, str) else each)
    ]


def ends(outputs: str) -> dict[str, float]:
    """Return the accuracy at full strength, by corruption, and that without any as ``clean``."""
    curves = re.findall(r"(\w+) [\d.]+ %, [\d.]+ %, [\d.]+ %, [\d.]+ % and ([\d.]+) %", outputs)
    (clean,) = shares("clean # %", outputs)
    return {"clean": clean, **{name: float(end) for name, end in curves}}


def seeds_spread(outputs: str) -> bool:
    spreads = shares(" seeds: #% ± #%", outputs)[1::2]
    return [round(spread, 1) for spread in (min(spreads), max(spreads))] == [0.2, 1.0]


def corruptions_cost(outputs: str) -> bool:
    found = ends(outputs)
    lost = {name: 1 - end / found["clean"] for name, end in found.items() if name != "clean"}
    order = sorted(lost, key=lost.__getitem__)
    few = ({*order[:2]}, order[2]) == ({"brightness", "JPEG"}, "rotation")
    return few and min(lost[name] for name in order[3:]) > 0.45


def fooled_costs(outputs: str) -> bool:
    (clean,) = shares("each pixel changed by 0: accuracy #%", outputs)
    (fooled,) = shares("each pixel changed by 4: accuracy #%", outputs)
    return clean - fooled > 70


#: What was measured, and whether the notebook's outputs, with the figures' alt texts, say so.
MEASURED: dict[str, dict[str, Callable[[str], bool]]] = {
    "05_evaluate": {
        "the frog is above the airplane":
            lambda outputs: bool(re.search(r"named rightly:.* frog .* airplane .*cat", outputs)),
        "a green frog whose label says cat":
            lambda outputs: "or more. Cat taken for frog, " in outputs,
    },
    "07_trust": {
        "on CIFAR-10 from 0.2 points to 1": seeds_spread,
        "On CIFAR-10 the groups are the animals and the vehicles":
            lambda outputs: "airplane, automobile, ship, truck\n" in outputs,
        "47 % of them would stay within such groups; it is far more":
            lambda outputs: shares("mistakes within a group: #%", outputs)[0] > 70,
        "it would have been wrong more often than every second time":
            lambda outputs: shares("on the others #%", outputs)[0] < 50,
    },
    "08_look_inside": {
        "brightness and JPEG cost least, then rotation; each of the others costs about half":
            corruptions_cost,
        "where the gradient's signs cost more than seventy": fooled_costs,
    },
}  # fmt: skip


def words(name: str) -> str:
    """Return the sentences of a notebook."""
    cells = checks.read(NOTEBOOKS / f"{name}.ipynb").cells
    return ASIDE.sub("", "\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))


def outputs(name: str) -> str:
    """Return what a committed notebook printed, and the alt texts of its figures."""
    found = checks.outputs(checks.read(NOTEBOOKS / f"{name}.ipynb"))
    return "\n".join(
        checks.printed(output) + output.get("metadata", {}).get("image/png", {}).get("alt", "")
        for _, output in found
    )


def listed(name: str) -> list[str]:
    return [*GIVEN[name], *COMPUTED.get(name, {}), *MEASURED.get(name, {})]


@pytest.mark.parametrize("name", GIVEN)
def test_each_number_that_looks_like_a_result_has_a_source(name: str) -> None:
    text = words(name)
    gone = [part for part in listed(name) if part not in text]
    assert not gone, "\n".join(gone)
    unlisted = [
        sentence
        for sentence in re.split(r"\n+|(?<=[.?!:])\s+", text)
        if RESULT.search(sentence) and not any(part in sentence for part in listed(name))
    ]
    assert not unlisted, "\n".join(unlisted)


@pytest.mark.parametrize(
    ("sentence", "holds"),
    [each for sentences in COMPUTED.values() for each in sentences.items()],
    ids=str,
)
def test_what_is_computed_is_right(sentence: str, holds: bool) -> None:
    assert holds, sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [(name, sentence) for name, sentences in MEASURED.items() for sentence in sentences],
)
def test_what_was_measured_stands_in_the_outputs(name: str, sentence: str) -> None:
    assert MEASURED[name][sentence](outputs(name)), sentence
