"""What a recipe is: the settings of one training, and what its author reports of it."""

import math
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, fields
from itertools import groupby
from typing import Any, Literal

from cifar10_cnn.data.batches import Batches, Shuffled
from cifar10_cnn.data.dataset import Split
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import optimizers


@dataclass(frozen=True)
class Published:
    """What a write-up reports of its network.

    Attributes:
        system: the write-up and its network, P0 to P4c.
        validates_on: which images its training curves call validation.
        test_accuracy: on the 10,000 test images, 0 to 1.
        test_loss: mean cross-entropy on them, in nats.
        train_accuracy: in the last epoch, 0 to 1.
        parameters: number of all weights.
        seconds_an_epoch: shortest and longest epoch, on the author's machine.
        flaw: what the write-up does wrong; empty if nothing.
        left_open: what it does not report, and what was assumed here.
        shortfall: why the reproduction stays below the published figure, as experiments here
            show; empty if it does not.
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
class Part:
    """Successive epochs with images of one size: the arguments of ``model.fit``."""

    x: Shuffled
    initial_epoch: int
    epochs: int
    shuffle: bool = False  # its order is drawn already


@dataclass(frozen=True)
class Recipe:
    """The settings of one training.

    Attributes:
        name: the recipe's name.
        model: the network, a name of ``models.names()``; by default that of the recipe.
        optimizer: a name of ``optimizers.names()``.
        learning_rate: the optimizer's step size at the start.
        batch_size: images a step.
        newton_schulz: steps by which ``unit_muon`` makes an update's singular values alike; more
            make them more alike.
        epochs: passes over the training images; None leaves it to the profile.
        cosine: let the learning rate fall to zero along half a cosine over the whole training
            (Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983).
        linear: let it fall to zero along a straight line.
        decay: divide it by 1 + decay · steps, as SGD's ``decay`` did in old Keras.
        sizes: height and width of the images, pixels, one number for each epoch: small ones train
            faster (Howard, 2018, https://www.fast.ai/posts/2018-08-10-fastai-diu-imagenet.html).
            The images then come from ``batches.Batches``, with alternating flip; if empty, as they
            are.
        shift: pixels by which these images are shifted at most, those of 32; smaller ones less.
        erased: height and width of a grey square in each of these images, as a fraction of the
            image's.
        label_smoothing: fraction of each label that is spread over all classes, 0 to less than 1
            (Szegedy et al., 2016, https://arxiv.org/abs/1512.00567).
        one_hot: labels as one-hot rows in place of integers; the loss is the same.
        stops_on: stop when this number of the training history has not fallen for ``patience``
            epochs; None trains all epochs.
        patience: how many epochs ``stops_on`` waits.
        classes: the classes trained on; None means all.
        published: what its author reports; None for recipes of the course's own.
        follows: the recipe that this one changes in one point; empty if none.
        change: that point, in a few words.
    """

    name: str
    model: str = ""
    _: KW_ONLY
    optimizer: str
    learning_rate: float
    batch_size: int
    newton_schulz: int = 3
    epochs: int | None = None
    cosine: bool = False
    linear: bool = False
    decay: float = 0.0
    sizes: tuple[int, ...] = ()
    shift: int = 2
    erased: float = 0.0
    label_smoothing: float = 0.0
    one_hot: bool = False
    stops_on: Literal["loss", "val_loss"] | None = None
    patience: int = 0
    classes: tuple[str, ...] | None = None
    published: Published | None = None
    follows: str = ""
    change: str = ""

    def __post_init__(self) -> None:
        """Give the model its name."""
        object.__setattr__(self, "model", self.model or self.name)

    def compile(self, model: keras.Model, images: int, epochs: int) -> None:
        """Compile a classifier that will train on so many images for so many epochs."""
        loss = "categorical_crossentropy" if self.one_hot else "sparse_categorical_crossentropy"
        if self.label_smoothing:
            loss = keras.losses.CategoricalCrossentropy(label_smoothing=self.label_smoothing)
        rate = self.rate(epochs * math.ceil(images / self.batch_size))
        model.compile(
            optimizer=optimizers.make(self.optimizer, rate, self.batch_size, self.newton_schulz),
            loss=loss,
            metrics=["accuracy"],
            # Batches of 32 are so short that a CPU waits for Python between them.
            steps_per_execution=16 if self.batch_size < 256 else 1,
        )

    def rate(self, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
        """Return the learning rate, or its schedule over that many steps."""
        schedules = keras.optimizers.schedules
        if self.cosine:
            return schedules.CosineDecay(self.learning_rate, steps)
        if self.linear:
            return schedules.PolynomialDecay(self.learning_rate, steps, end_learning_rate=0.0)
        if self.decay:
            return schedules.InverseTimeDecay(self.learning_rate, 1, self.decay)
        return self.learning_rate

    def parts(
        self,
        train: Split,
        classes: int,
        *,
        epochs: int,
        seed: int,
        model: keras.Model | None = None,
        batches: type[Batches] = Batches,
    ) -> Iterator[Part]:
        """Yield what ``model.fit`` needs for successive epochs with images of one size.

        Of ``sizes`` the last ``epochs`` are taken. ``model`` is traced anew for each new size.
        """
        images, labels = train.images, train.labels
        if self.one_hot or self.sizes:
            labels = keras.utils.to_categorical(labels, classes)
        if not self.sizes:
            yield Part(Shuffled(images, labels, batch_size=self.batch_size, seed=seed), 0, epochs)
        first = 0
        for size, group in groupby(self.sizes[-epochs:]):
            last = first + len(list(group))
            resized = batches(
                images,
                labels,
                size=size,
                batch_size=self.batch_size,
                seed=seed,
                shift=self.shift,
                erased=self.erased,
                epoch=first,
            )
            if model and first:
                model.make_train_function(force=True)
            yield Part(resized, first, last)
            first = last

    def epochs_at(self, profile: Profile) -> int:
        """Return how many epochs a training of that profile takes at most."""
        if self.epochs is None:
            return profile.epochs
        return min(self.epochs, profile.recipe_epochs or self.epochs)

    def settings(self) -> dict[str, Any]:
        """Return what the trained weights depend on, as JSON can hold it; defaults left out."""
        words = {"name", "published", "follows", "change"}
        return {
            field.name: list(value) if isinstance(value, tuple) else value
            for field in fields(self)
            if field.name not in words and (value := getattr(self, field.name)) != field.default
        }
