"""What notebooks 05, 07, 08 and 09 must print, counted again without the course's own functions.

One generator a notebook: from the pictures, the labels and the network that it leaves behind, line
by line, with the numbers unrounded. The networks are asked through Keras; all else is numpy, scipy,
scikit-learn, Pillow, or a formula written out. ``test_printed_numbers.py`` compares.
"""

from collections.abc import Callable, Iterator
from typing import Any

from recounts.evaluate import evaluate
from recounts.look_inside import look_inside
from recounts.trust import trust
from recounts.your_picture import your_picture

#: By notebook; each takes the notebook's variables and yields its lines.
RECOUNTS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "05_evaluate": evaluate,
    "07_trust": trust,
    "08_look_inside": look_inside,
    "09_your_picture": your_picture,
}
