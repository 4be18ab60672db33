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
#: A fraction, a number of points or a p-value.
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
        "images with a confidence of 80 %, four in five are right",
        "the confidence that 90 % of the validation images reach",
        "The softmax shares 100 % out",
        "to know the accuracy to ±0.1 points?",
        "A network says 99.9 % for every image and is right on 90 % of them",
        "The accuracy stays 90 %, at any temperature",
    ],
    "08_look_inside": [
        "about 0.5 % of CIFAR-10's test labels are wrong, some 54 of 10,000",
        "right on 95 % of the test images",
    ],
    "09_your_image": [
        "The softmax always shares 100 % out",
        "what 90 % of the validation images reach",
        "only 2 % of the validation images stay below it",
        "below the threshold, on about 10 % of good images",
    ],
}


def within(accuracy: float, *images: int) -> float:
    """Return two standard errors of an accuracy, or of the difference of several, in points."""
    return 200 * math.sqrt(accuracy * (1 - accuracy) * sum(1 / number for number in images))


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
        "On 10,000 images, a lead of 0.5 points is 50 images": 10_000 * 0.5 / 100 == 50,
        "near 87 %, each is known to ±0.7 points only":
            abs(within(0.87, 10_000) - 0.7) < 0.05,
        "p = 0.02 if they differ on 410 images, and p = 0.12 if they differ on 1,000":
            (round(mcnemar(50, 410), 2), round(mcnemar(50, 1_000), 2)) == (0.02, 0.12),
        "If mistakes fell anywhere, 47 % of them would stay within such groups":
            round(100 * (6 * 5 + 4 * 3) / (10 * 9)) == 47,
        "±1 point for 5,000 validation and 10,000 test images":
            abs(within(0.9, 5_000, 10_000) - 1) < 0.05,
        "With p = 0.9 that is 360,000 images": round(4 * 0.9 * 0.1 / 0.001**2) == 360_000,
        "The error is about 10 %": round(100 * (0.999 - 0.9)) == 10,
    },
    "08_look_inside": {
        "on 1,000 images, each point is known to about ±3 points":
            abs(within(0.5, 1_000) - 3) < 0.2,
    },
}  # fmt: skip


def numbers(pattern: str, outputs: str) -> list[float]:
    """Return all numbers that stand where a pattern has ``#``."""
    matches = re.findall(re.escape(pattern).replace(r"\#", r"([\d.]+)"), outputs)
    return [
        float(number) for each in matches for number in ([each] if isinstance(each, str) else each)
    ]


def seeds_vary(outputs: str) -> bool:
    deviations = numbers(" seeds: #% ± #%", outputs)[1::2]
    return [round(each, 1) for each in (min(deviations), max(deviations))] == [0.2, 1.0]


def corruptions_cost(outputs: str) -> bool:
    curves = re.findall(r"(\w+) [\d.]+ %, [\d.]+ %, [\d.]+ %, [\d.]+ % and ([\d.]+) %", outputs)
    (clean,) = numbers("clean # %", outputs)
    lost = {name: 1 - float(end) / clean for name, end in curves}
    order = sorted(lost, key=lost.__getitem__)
    few = ({*order[:2]}, order[2]) == ({"brightness", "JPEG"}, "rotation")
    return few and min(lost[name] for name in order[3:]) > 0.45


def fgsm_costs(outputs: str) -> bool:
    (clean,) = numbers("each pixel changed by 0: accuracy #%", outputs)
    (adversarial,) = numbers("each pixel changed by 4: accuracy #%", outputs)
    return clean - adversarial > 70


#: What was measured, and whether the notebook's outputs, with the figures' alt texts, say so.
MEASURED: dict[str, dict[str, Callable[[str], bool]]] = {
    "05_evaluate": {
        "the frog is above the airplane":
            lambda outputs: bool(re.search(r"frog [\d.]+ %.* airplane [\d.]+ %.*cat", outputs)),
        "a green frog whose label says cat":
            lambda outputs: bool(re.search(r"surest mistakes.*?\. Cat taken for frog", outputs)),
    },
    "07_trust": {
        "on CIFAR-10 from 0.2 points to 1": seeds_vary,
        "On CIFAR-10 the groups are the animals and the vehicles":
            lambda outputs: "airplane, automobile, ship, truck\n" in outputs,
        "47 % of them would stay within such groups; it is far more":
            lambda outputs: numbers("mistakes within a group: #%", outputs)[0] > 70,
        "it would have been wrong more often than every second time":
            lambda outputs: numbers("on the others #%", outputs)[0] < 50,
    },
    "08_look_inside": {
        "brightness and JPEG cost least, then rotation; each of the others costs about half":
            corruptions_cost,
        "where the gradient's signs cost more than seventy": fgsm_costs,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", GIVEN)
def test_each_number_that_looks_like_a_result_has_a_source(name: str) -> None:
    cells = checks.read(NOTEBOOKS / f"{name}.ipynb").cells
    words = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = ASIDE.sub("", words)
    listed = [*GIVEN[name], *COMPUTED.get(name, {}), *MEASURED.get(name, {})]
    missing = [part for part in listed if part not in text]
    assert not missing, "\n".join(missing)
    unlisted = [
        sentence
        for sentence in re.split(r"\n+|(?<=[.?!:])\s+", text)
        if RESULT.search(sentence) and not any(part in sentence for part in listed)
    ]
    assert not unlisted, "\n".join(unlisted)


@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_computed_is_right(name: str) -> None:
    assert [sentence for sentence, holds in COMPUTED[name].items() if not holds] == []


@pytest.mark.parametrize("name", MEASURED)
def test_what_was_measured_stands_in_the_outputs(name: str) -> None:
    outputs = "\n".join(
        checks.printed(output) + output.get("metadata", {}).get("image/png", {}).get("alt", "")
        for _, output in checks.outputs(checks.read(NOTEBOOKS / f"{name}.ipynb"))
    )
    assert [sentence for sentence, holds in MEASURED[name].items() if not holds(outputs)] == []
