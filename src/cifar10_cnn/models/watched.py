"""A network in training of which each picture's loss is kept, to find the hard pictures by."""

from typing import Any

import numpy as np

from cifar10_cnn.device import keras

ops = keras.ops


class Watched(keras.Model):
    """Trains a network and keeps the last loss of each training picture.

    In training it takes ``(pictures, numbers)``, a number being the picture's place among all; in
    use pictures alone. The losses come from the training steps themselves, so they cost next to
    nothing, and they are weights, so a training that was killed goes on with them.

    Args:
        network: any classifier that returns probabilities.
        pictures: number of training pictures.
    """

    def __init__(self, network: keras.Model, pictures: int) -> None:
        super().__init__()
        #: The network itself, to be saved and used.
        self.network = network
        # A picture never shown counts as harder than any that was.
        self._last = self.add_weight(
            shape=(pictures,),
            initializer=keras.initializers.Constant(np.inf),
            trainable=False,
            name="last_losses",
        )
        self.built = True  # all weights are there; Keras would wait for a first call

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the network's probabilities, (B, k)."""
        pictures = inputs[0] if isinstance(inputs, tuple) else inputs
        return self.network(pictures, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, *more: Any, **named: Any
    ) -> Any:
        """Return the compiled loss; in training, keep each picture's cross-entropy."""
        if isinstance(x, tuple):
            losses = ops.categorical_crossentropy(y, y_pred)
            self._last.assign(ops.scatter_update(self._last, x[1][:, None], losses))
        return super().compute_loss(x, y, y_pred, *more, **named)

    def last_losses(self) -> np.ndarray:
        """Return each picture's loss when it was last learnt from, (N,); infinite if never."""
        return ops.convert_to_numpy(self._last)
