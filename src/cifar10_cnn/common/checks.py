"""Arguments checked once, where they come in: an error names the wrong value and the way out.

Each function returns its argument, as an array where it is one, or raises ``ValueError``;
``chosen`` raises ``CourseError``. Notation: N images, k classes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cifar10_cnn.common.errors import CourseError


def array(values: ArrayLike, what: str, shape: str, kinds: str = "uif") -> np.ndarray:
    """Return finite numbers as an array that is not empty.

    Args:
        values: the argument.
        what: its name.
        shape: what it must be, such as ``(N, h, w, 3)``: letters stand for any length from 1 on.
        kinds: of numpy's kinds, those that are allowed: unsigned, signed, floating.
    """
    try:
        result = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"The {what} are of unequal lengths: they must be {shape}.") from error
    if result.dtype.kind not in kinds:
        raise ValueError(f"The {what} are of type {result.dtype}: they must be numbers, {shape}.")
    lengths = re.findall(r"\w+", shape)
    fits = result.ndim == len(lengths) and all(
        length == int(part) if part.isdigit() else length > 0
        for length, part in zip(result.shape, lengths, strict=True)
    )
    if not fits:
        raise ValueError(f"The {what} have the shape {result.shape}: it must be {shape}.")
    if result.dtype.kind == "f" and not np.isfinite(result).all():
        wrong = result[~np.isfinite(result)].flat[0]
        raise ValueError(f"There is {wrong} among the {what}: all must be finite numbers.")
    return result


def images(values: ArrayLike, what: str = "images") -> np.ndarray:
    """Return colour images as an array (N, h, w, 3), at least one."""
    return array(values, what, "(N, h, w, 3)")


def classes(values: ArrayLike, number: int, what: str = "labels") -> np.ndarray:
    """Return class numbers as an array (N,), at least one, each from 0 to ``number`` - 1."""
    result = array(values, what, "(N,)", kinds="ui")
    if result.min() < 0 or result.max() >= number:
        raise ValueError(
            f"The {what} run from {result.min()} to {result.max()}, but with {number} classes "
            f"they must lie in 0 to {number - 1}."
        )
    return result


def probabilities(values: ArrayLike) -> np.ndarray:
    """Return probabilities as an array (N, k), each from 0 to 1."""
    result = array(values, "probabilities", "(N, k)")
    if result.min() < 0 or result.max() > 1:
        raise ValueError(
            f"Probabilities lie in 0 to 1, but run from {result.min()} to {result.max()}."
        )
    return result


def labelled(labels: ArrayLike, predictions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return true classes (N,) and probabilities (N, k) as arrays, if they fit together."""
    predicted = probabilities(predictions)
    true = classes(labels, predicted.shape[1])
    same_length(labels=true, probabilities=predicted)
    return true, predicted


def shares(values: ArrayLike, whose: str) -> np.ndarray:
    """Return accuracies as floats, (n,), each from 0 to 1, at least one."""
    result = array(values, f"accuracies of {whose}", "(n,)").astype(float)
    if result.min() < 0 or result.max() > 1:
        raise ValueError(
            f"Accuracies lie in 0 to 1, but those of {whose} run from {result.min():g} to "
            f"{result.max():g}."
        )
    return result


def mapping(values: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Return a mapping from names to something, at least one."""
    if not isinstance(values, Mapping) or not values:
        raise ValueError(f"The {what} are given by name, as a dict, not {values!r}.")
    return values


def file_name(value: Any, what: str) -> str:
    """Return a name that is good for a file: of letters, digits, - and _ alone."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w-]{1,100}", value):
        raise ValueError(f"The {what} is made of letters, digits, - and _, not {value!r}.")
    return value


def rows(values: Any, what: str) -> Any:
    """Return a list of anything."""
    is_list = hasattr(values, "__len__") and not isinstance(values, (str, bytes, Mapping))
    if not is_list or getattr(values, "ndim", 1) == 0:
        raise ValueError(f"The {what} are a list, not {values!r}.")
    return values


def names(values: Sequence[str], number: int | None = None) -> Sequence[str]:
    """Return class names, at least one, ``number`` of them if that is given."""
    is_list = isinstance(values, Sequence) and not isinstance(values, str)
    if not is_list or not all(isinstance(name, str) for name in values):
        raise ValueError(f"Class names are a list of texts, not {values!r}.")
    if not len(values) or number not in (None, len(values)):
        raise ValueError(f"There are {len(values)} class names: {number or 'one or more'} needed.")
    return values


def chosen(value: Any, known: Iterable[str], what: str) -> str:
    """Return a name that is one of those known; the error lists these."""
    choice = list(known)
    if not isinstance(value, str) or value not in choice:
        raise CourseError(f"There is no {what} {value!r}: choose one of {', '.join(choice)}.")
    return value


def number(value: Any, what: str, least: float, most: float) -> float:
    """Return a number within limits."""
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not real or not least <= float(value) <= most:
        raise ValueError(f"{what} must be a number from {least:g} to {most:g}, not {value!r}.")
    return float(value)


def count(value: Any, what: str, least: int = 1, most: int | None = None) -> int:
    """Return a whole number that is not too small and not too large."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        limits = f"from {least} on" if most is None else f"from {least} to {most}"
        raise ValueError(f"{what} must be a whole number {limits}, not {value!r}.")
    return int(value)


def same_length(**sequences: Any) -> None:
    """Check that all have one length."""
    lengths = {name: len(rows(sequence, name)) for name, sequence in sequences.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"These must be equally many: {text}.")
