"""Numbers as people read them, by hand."""

import pandas as pd
import pytest

from cifar10_cnn.common import formats


def test_percent_and_mean() -> None:
    assert formats.percent(0.8125) == "81.2 %"
    assert formats.percent(0.81254, 2) == "81.25 %"
    assert formats.mean_and_sd([90.2, 90.4], ".1f", "%") == "90.3 ± 0.1 %"
    assert formats.mean_and_sd([7], ".0f") == "7"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7.96, "8.0 s"), (57, "57 s"), (99.6, "2 min"), (780, "13 min"), (5760, "96 min"),
     (5970, "1.7 h"), (7200, "2.0 h")],
)  # fmt: skip
def test_duration(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


def test_markdown_table() -> None:
    table = pd.DataFrame({"accuracy": ["81.2 %"]}, index=pd.Index(["cnn"], name="network"))
    text = "| network | accuracy |\n| --- | --- |\n| cnn | 81.2 % |"
    assert formats.markdown_table(table) == text
