"""Numbers as people read them: the one place that writes percent, mean ± sd, durations, tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction, 0 to 1, as ``81.2 %``."""
    return f"{100 * fraction:.{digits}f} %"


def mean_and_sd(values: Sequence[float] | Any, form: str, unit: str = "") -> str:
    """Return ``90.3 ± 0.1 %``: mean and sample standard deviation; of one value, it alone.

    Args:
        values: one or more numbers.
        form: format of each, such as ``.1f``.
        unit: stands behind both.
    """
    numbers = np.asarray(values, dtype=float)
    text = format(numbers.mean(), form)
    if len(numbers) > 1:
        text += f" ± {numbers.std(ddof=1):{form}}"
    return f"{text} {unit}".strip()


def duration(seconds: float) -> str:
    """Return seconds as ``8.0 s``, ``57 s``, ``13 min`` or ``1.6 h``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def markdown_table(frame: Any) -> str:
    """Return a Markdown table of a data frame of texts, its index first."""
    whole = frame.reset_index()
    rows = [[*whole.columns], ["---"] * len(whole.columns), *whole.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
