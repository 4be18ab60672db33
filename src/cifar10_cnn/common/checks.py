"""Arguments looked at once, where they come in: an error names the wrong value and the way out.

Notation: N pictures, k classes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cifar10_cnn.common.errors import CourseError


def array(
    values: ArrayLike, what: str, shape: str, kinds: str = "uif", bytes_each: int | None = None
) -> np.ndarray:
    """Return numbers as an array.

    Args:
        values: the argument.
        what: its name.
        shape: what it must be, such as ``(N, h, w, 3)``: letters stand for any length from 1 on.
        kinds: of numpy's kinds, those that are allowed: unsigned, signed, floating, boolean.
        bytes_each: how many bytes a number must have; any if None.

    Raises:
        ValueError: if the shape or kind is another one, it is empty, or a number is not finite.
    """
    try:
        found = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"The {what} are of unequal lengths: they must be {shape}.") from error
    if found.dtype.kind not in kinds or bytes_each not in (None, found.dtype.itemsize):
        raise ValueError(f"The {what} are of type {found.dtype}: they must be numbers, {shape}.")
    wanted = [part.strip() for part in shape.strip("()").split(",") if part.strip()]
    fits = found.ndim == len(wanted) and all(
        length == int(part) if part.isdigit() else length > 0
        for length, part in zip(found.shape, wanted, strict=True)
    )
    if not found.size:
        raise ValueError(f"There are no {what}, but an array of shape {found.shape}: give {shape}.")
    if not fits:
        raise ValueError(f"The {what} have the shape {found.shape}: it must be {shape}.")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        wrong = found[~np.isfinite(found)].flat[0]
        raise ValueError(f"There is {wrong} among the {what}: all must be finite numbers.")
    return found


def images(values: ArrayLike, what: str = "images") -> np.ndarray:
    """Return colour pictures as an array (N, h, w, 3), at least one.

    Raises:
        ValueError: if they are anything else.
    """
    return array(values, what, "(N, h, w, 3)")


def classes(values: ArrayLike, number: int, what: str = "labels") -> np.ndarray:
    """Return class numbers as an array (N,), at least one, each from 0 to ``number`` - 1.

    Raises:
        ValueError: if they are anything else.
    """
    found = array(values, what, "(N,)", kinds="ui")
    if found.min() < 0 or found.max() >= number:
        raise ValueError(
            f"The {what} run from {found.min()} to {found.max()}, but with {number} classes "
            f"they must lie in 0 to {number - 1}."
        )
    return found


def probabilities(values: ArrayLike) -> np.ndarray:
    """Return probabilities as an array (N, k), each from 0 to 1.

    Raises:
        ValueError: if they are anything else.
    """
    found = array(values, "probabilities", "(N, k)")
    if found.min() < 0 or found.max() > 1:
        raise ValueError(
            f"Probabilities lie in 0 to 1, but run from {found.min()} to {found.max()}."
        )
    return found


def labelled(labels: ArrayLike, odds: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return true classes (N,) and probabilities (N, k) as arrays, if they fit together.

    Raises:
        ValueError: if they do not, or either is anything else.
    """
    found = probabilities(odds)
    true = classes(labels, found.shape[1])
    same_length(labels=true, probabilities=found)
    return true, found


def shares(values: ArrayLike, whose: str) -> np.ndarray:
    """Return accuracies as floats, (n,), each from 0 to 1, at least one.

    Raises:
        ValueError: if there is none, or one is not such a number.
    """
    try:
        # Text and complex numbers would become floats without this.
        found = np.asarray(values).astype(float, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise ValueError(f"The accuracies of {whose} are no numbers: {values!r}.") from error
    if not found.size:
        raise ValueError(f"There is no accuracy of {whose}.")
    if found.ndim != 1:
        raise ValueError(f"The accuracies of {whose} have the shape {found.shape}, not (n,).")
    wrong = found[~((found >= 0) & (found <= 1))]
    if wrong.size:
        raise ValueError(f"Accuracies are shares from 0 to 1, but {whose} has {wrong[0]:g}.")
    return found


def mapping(values: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Return a mapping from names to something, at least one.

    Raises:
        ValueError: if it is anything else.
    """
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise ValueError(f"The {what} are given by name, as a dict, not {values!r}.")
    if not values:
        raise ValueError(f"There is no {what} at all: give one or more.")
    return values


def frame(values: Any, what: str, *columns: str) -> Any:
    """Return a table of pandas that has some columns, and a row at least.

    Raises:
        ValueError: if it is anything else.
    """
    found = getattr(values, "columns", None)
    if found is None:
        raise ValueError(f"The {what} are a table of pandas, not {type(values).__name__}.")
    missing = [name for name in columns if name not in found]
    if missing or not len(values):
        raise ValueError(
            f"The {what} lack {'rows' if not missing else 'the columns ' + ', '.join(missing)}: "
            "take a table as the course writes it."
        )
    return values


def file_name(value: Any, what: str) -> str:
    """Return a name that is good for a file: of letters, digits, - and _ alone.

    Raises:
        ValueError: if it is anything else.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[\w-]{1,100}", value):
        raise ValueError(f"The {what} is made of letters, digits, - and _, not {value!r}.")
    return value


def rows(values: Any, what: str) -> Any:
    """Return a list of anything.

    Raises:
        ValueError: if it is none.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)):
        raise ValueError(f"The {what} are a list, not {values!r}.")
    if isinstance(values, np.ndarray) and values.ndim == 0:
        raise ValueError(f"The {what} are a list, not the single {values!r}.")
    return values


def names(values: Sequence[str], number: int | None = None) -> Sequence[str]:
    """Return class names, at least one, ``number`` of them if that is given.

    Raises:
        ValueError: if they are anything else.
    """
    if not all(isinstance(name, str) for name in rows(values, "class names")):
        raise ValueError(f"Class names are a list of texts, not {values!r}.")
    if not len(values) or (number is not None and len(values) != number):
        raise ValueError(f"There are {len(values)} class names: {number or 'one or more'} needed.")
    return values


def chosen(value: Any, known: Iterable[str], what: str) -> str:
    """Return a name that is one of those known.

    Raises:
        CourseError: with the known ones, if it is not.
    """
    choice = list(known)
    if not isinstance(value, str) or value not in choice:
        raise CourseError(f"There is no {what} {value!r}: choose one of {', '.join(choice)}.")
    return value


def number(value: Any, what: str, least: float, most: float) -> float:
    """Return a number within limits.

    Raises:
        ValueError: if it is anything else.
    """
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    # A float32 would be compared in float32, and warn of limits beyond that.
    plain = value.item() if isinstance(value, np.generic) else value
    if not real or not least <= plain <= most:
        raise ValueError(f"{what} must be a number from {least:g} to {most:g}, not {value!r}.")
    return float(value)


def count(value: Any, what: str, least: int = 1, most: int | None = None) -> int:
    """Return a whole number that is not too small and not too large.

    Raises:
        ValueError: if it is anything else.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        limits = f"from {least} on" if most is None else f"from {least} to {most}"
        raise ValueError(f"{what} must be a whole number {limits}, not {value!r}.")
    return int(value)


def same_length(**sequences: Any) -> None:
    """Check that all have one length.

    Raises:
        ValueError: with the lengths, if they differ.
    """
    lengths = {name: len(rows(sequence, name)) for name, sequence in sequences.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"These must be equally many: {text}.")
