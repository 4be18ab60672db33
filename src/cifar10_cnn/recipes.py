"""How each network of the course is trained: the numbers, apart from the code that uses them."""

from dataclasses import dataclass

from cifar10_cnn.device import keras
from cifar10_cnn.errors import CourseError


@dataclass(frozen=True)
class Recipe:
    """The settings of one training.

    Attributes:
        model: the network, a name of ``models.names()``.
        learning_rate: the optimizer's step size at the start.
        batch_size: pictures a step.
        cosine: let the learning rate fall to zero along half a cosine over the whole training
            (Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983), or keep it constant.
    """

    model: str
    learning_rate: float
    batch_size: int
    cosine: bool

    def compile(self, model: keras.Model, pictures: int, epochs: int) -> None:
        """Compile ``model`` with Adam and the cross-entropy of integer labels.

        Args:
            model: a classifier that returns probabilities.
            pictures: number of training pictures.
            epochs: number of epochs of the whole training.
        """
        rate: float | keras.optimizers.schedules.LearningRateSchedule = self.learning_rate
        if self.cosine:
            steps = epochs * -(-pictures // self.batch_size)
            rate = keras.optimizers.schedules.CosineDecay(self.learning_rate, steps)
        model.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )


_RECIPES = {
    recipe.model: recipe
    for recipe in (
        Recipe("dense_baseline", learning_rate=0.001, batch_size=64, cosine=True),
        Recipe("plain_cnn", learning_rate=0.001, batch_size=64, cosine=False),
        # Batch normalization bears twice the step size.
        Recipe("regularized_cnn", learning_rate=0.002, batch_size=64, cosine=True),
    )
}


def get(name: str) -> Recipe:
    """Return the recipe of the network called ``name``.

    Raises:
        CourseError: if there is none of that name.
    """
    if name not in _RECIPES:
        raise CourseError(f"There is no recipe {name!r}: choose one of {', '.join(_RECIPES)}.")
    return _RECIPES[name]
