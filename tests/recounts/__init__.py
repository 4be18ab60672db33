"""What notebooks 05, 07, 08 and 09 must print, counted again without the course's own functions.

One generator a notebook: from the images, the labels and the network that it leaves behind, line by
line, with the numbers unrounded. A printed line is a text of its numbers and class names, in their
order; a figure is ``(name, what its title may say besides, what its alt text says)``. The networks
predict through Keras; all else is numpy, scipy, scikit-learn, Pillow, or a formula written out.
``test_printed_numbers.py`` compares.
"""

from recounts.evaluate import evaluate
from recounts.look_inside import look_inside
from recounts.trust import trust
from recounts.your_image import your_image

#: By notebook; each takes the notebook's variables and yields its lines.
RECOUNTS = {
    "05_evaluate": evaluate,
    "07_trust": trust,
    "08_look_inside": look_inside,
    "09_your_image": your_image,
}
