"""Numbers as people read them, against texts worked out by hand."""

import pandas as pd
import pytest

from cifar10_cnn.common import formats


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (99.4, "99 s"),
        (99.5, "2 min"),
        (5969, "99 min"),
        (5970, "1.7 h"),
        (7200, "2.0 h"),
    ],
)
def test_durations(seconds, text):
    assert formats.duration(seconds) == text


def test_percent():
    assert formats.percent(0.8124) == "81.2 %"
    assert formats.percent(0.8124, digits=2) == "81.24 %"
    assert formats.percent(1) == "100.0 %"


def test_mean_and_sample_standard_deviation():
    assert formats.mean_and_sd([90.2, 90.3, 90.4], ".1f", "%") == "90.3 ± 0.1 %"
    assert formats.mean_and_sd(pd.Series([1.0, 3.0]), ".2f") == "2.00 ± 1.41"
    assert formats.mean_and_sd([1234.4], ",.0f", "s") == "1,234 s"


def test_signed():
    assert [formats.signed(value) for value in (0.5, -0.25)] == ["+0.50", "-0.25"]


def test_markdown_table():
    frame = pd.DataFrame({"time": ["8.0 s"]}, index=pd.Index(["sprint"], name="recipe"))
    lines = formats.markdown_table(frame)
    assert lines == ["| recipe | time |", "| --- | --- |", "| sprint | 8.0 s |"]
