"""What a recipe is: the settings of one training, and what its author reports of it."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from cifar10_cnn import optimizers
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile


@dataclass(frozen=True)
class Published:
    """What a write-up reports of its network.

    Attributes:
        system: the write-up and its network, P0 to P4c.
        validates_on: which pictures its training curves call validation: the ``test`` split, the
            ``last fifth`` of the training pictures, or ``none``.
        test_accuracy: share of the 10,000 test pictures named rightly, 0 to 1.
        test_loss: mean cross-entropy on them, in nats.
        train_accuracy: share of the training pictures named rightly in the last epoch, 0 to 1.
        parameters: number of all weights.
        seconds_an_epoch: shortest and longest epoch, on the author's machine.
        flaw: what the write-up does wrong; empty if nothing.
        left_open: what it does not tell, and what was chosen here.
        shortfall: why the reproduction stays below the published figure, as experiments here
            tell; empty if it does not.
    """

    system: str
    validates_on: Literal["test", "last fifth", "none"] = "none"
    test_accuracy: float | None = None
    test_loss: float | None = None
    train_accuracy: float | None = None
    parameters: int | None = None
    seconds_an_epoch: tuple[int, int] | None = None
    flaw: str = ""
    left_open: str = ""
    shortfall: str = ""

    def figure(self) -> float | None:
        """Return the test accuracy, else the test loss, else None."""
        return self.test_accuracy or self.test_loss


@dataclass(frozen=True)
class Recipe:
    """The settings of one training.

    Attributes:
        name: the recipe's name; the network's own name where it has one recipe only.
        model: the network, a name of ``models.names()``.
        optimizer: a name of ``optimizers.names()``.
        learning_rate: the optimizer's step size at the start.
        batch_size: pictures a step.
        epochs: passes over the training pictures at full size; None leaves it to the profile.
        cosine: let the learning rate fall to zero along half a cosine over the whole training
            (Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983), or keep it constant.
        decay: divide the learning rate by 1 + decay · steps, as SGD's ``decay`` did in old Keras;
            not together with ``cosine``.
        one_hot: labels as rows of zeros and a one, in place of whole numbers; the loss is the same.
        stops_on: stop when this number of the training history has not fallen for ``patience``
            epochs; None trains all epochs.
        patience: how many epochs ``stops_on`` waits.
        classes: the classes trained on; None means all.
        published: what its author reports; None for recipes of the course's own.
        follows: the recipe that this one changes in one point; empty if none.
        change: that point, in a few words.
    """

    name: str
    model: str
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int | None = None
    cosine: bool = False
    decay: float = 0.0
    one_hot: bool = False
    stops_on: Literal["loss", "val_loss"] | None = None
    patience: int = 0
    classes: tuple[str, ...] | None = None
    published: Published | None = None
    follows: str = ""
    change: str = ""

    def compile(self, model: keras.Model, pictures: int, epochs: int) -> None:
        """Compile ``model`` with the recipe's optimizer and the cross-entropy of its labels.

        Args:
            model: a classifier that returns probabilities.
            pictures: number of training pictures.
            epochs: number of epochs of the whole training.
        """
        rate: float | keras.optimizers.schedules.LearningRateSchedule = self.learning_rate
        if self.cosine:
            steps = epochs * -(-pictures // self.batch_size)
            rate = keras.optimizers.schedules.CosineDecay(self.learning_rate, steps)
        if self.decay:
            rate = keras.optimizers.schedules.InverseTimeDecay(self.learning_rate, 1, self.decay)
        model.compile(
            optimizer=optimizers.make(self.optimizer, rate),
            loss="categorical_crossentropy" if self.one_hot else "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            # Batches of 32 are so short that a CPU waits for Python between them.
            steps_per_execution=16,
        )

    def epochs_at(self, profile: Profile) -> int:
        """Return how many epochs a training of that profile takes at most."""
        if self.epochs is None:
            return profile.epochs
        return min(self.epochs, profile.recipe_epochs or self.epochs)

    def settings(self) -> dict[str, Any]:
        """Return what the trained weights depend on, as JSON can hold it; defaults left out.

        A finished run counts as this recipe's only if it was trained with the same settings.
        """
        told = {"name", "published", "follows", "change"}
        return {
            field.name: list(value) if isinstance(value, tuple) else value
            for field in fields(self)
            if field.name not in told and (value := getattr(self, field.name)) != field.default
        }
