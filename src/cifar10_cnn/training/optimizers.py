"""Optimizers by name, and Muon for convolutions, which Keras' own leaves to AdamW."""

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from cifar10_cnn.common import checks
from cifar10_cnn.device import keras

#: Of what ``UnitMuon`` leaves to SGD, for each image of a batch: learning rate, as a fraction of
#: Muon's, and weight decay. Jordan's decay goes through the momentum, too: 6.7 times as strong.
SGD_RATE, SGD_WEIGHT_DECAY = 0.22, 8.3e-6


@keras.saving.register_keras_serializable("cifar10_cnn")
class ConvMuon(keras.optimizers.Muon):
    """Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon) for convolutions, too.

    Keras' Muon handles matrices alone. A kernel (height, width, inputs, filters) is a matrix too:
    each filter is one column of height · width · inputs weights. Biases and every layer named in
    ``exclude_layers`` keep AdamW's update.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        if len(variable.shape) != 4:
            return super()._should_use_adamw(variable)
        return any(re.search(name, variable.path) for name in self.exclude_layers)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Return the nearest (semi-)orthogonal matrix of ``x``, in the shape of ``x``."""
        matrix = super().zeropower_via_newtonschulz5(_as_matrix(x), steps)
        return keras.ops.reshape(matrix, x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """Scale an update so that its entries are as large as AdamW's."""
        return keras.ops.reshape(super().lr_adjust(_as_matrix(x)), x.shape)


@keras.saving.register_keras_serializable("cifar10_cnn")
class UnitMuon(ConvMuon):
    """Muon for unit-norm kernels, and plain SGD with Nesterov's momentum for all the rest.

    For layers with ``kernel_constraint=UnitNorm(axis=(0, 1, 2, 3))`` and a batch normalization
    behind them: only a kernel's direction counts. The learning rate is a step's length beside its
    norm. What Keras' Muon sets for AdamW is here SGD's: ``adam_lr_ratio``, ``adam_beta_1`` (its
    momentum), ``adam_weight_decay`` (Jordan, 2024,
    https://github.com/KellerJordan/cifar10-airbench).
    """

    def lr_adjust(self, x: Any) -> Any:
        """Scale an update to the length that the learning rate says."""
        return x / math.sqrt(min(_as_matrix(x).shape))

    def _adamw_update_step(
        self, gradient: Any, variable: Any, learning_rate: Any, m: Any, v: Any
    ) -> None:
        self.assign(m, self.adam_beta_1 * m + gradient)
        self.assign_sub(variable, learning_rate * (gradient + self.adam_beta_1 * m))


def _as_matrix(x: Any) -> Any:
    return keras.ops.reshape(x, (-1, x.shape[-1]))


_OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "sgd": keras.optimizers.SGD,
    "momentum": partial(keras.optimizers.SGD, momentum=0.9),
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    # The last layer's rows are classes, not directions: it stays with AdamW, as Muon's author says.
    "muon": partial(ConvMuon, exclude_layers=["probabilities"]),
    "unit_muon": partial(
        UnitMuon, momentum=0.6, weight_decay=None, adam_beta_1=0.85, exclude_layers=["head"]
    ),
}


def names() -> tuple[str, ...]:
    """Return the names that ``make`` takes."""
    return tuple(_OPTIMIZERS)


def make(
    name: str,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    batch_size: int = 64,
    newton_schulz: int = 3,
) -> keras.optimizers.Optimizer:
    """Return a new optimizer with Keras' default settings, but for the learning rate.

    Used in notebook 04.

    Args:
        name: ``sgd``; ``momentum`` (SGD with momentum 0.9); ``rmsprop``; ``adam``; ``adamw``
            (weight decay 0.004); ``muon`` (for networks whose last layer is called
            ``probabilities``, as that of the published ones is); ``unit_muon`` (for the fast ones).
        learning_rate: the step size, or a schedule of it.
        batch_size: images a step; ``unit_muon`` moves biases and the last layer by the sum of the
            images' gradients, of which it is given the mean.
        newton_schulz: steps by which ``unit_muon`` nears an orthogonal matrix.

    Raises:
        CourseError: if there is no optimizer of that name.
        ValueError: if the learning rate is neither a number nor a schedule.
    """
    make_one = _OPTIMIZERS[checks.chosen(name, _OPTIMIZERS, "optimizer")]
    if not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        learning_rate = checks.number(learning_rate, "learning_rate", -1e6, 1e6)
    if name == "unit_muon":
        make_one = partial(
            make_one,
            ns_steps=newton_schulz,
            adam_lr_ratio=SGD_RATE * batch_size,
            adam_weight_decay=SGD_WEIGHT_DECAY * batch_size,
        )
    return make_one(learning_rate=learning_rate)
