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
    """What a write-up reports of its network."""

    system: str  # the write-up and its network, P0 to P4c
    validates_on: Literal["test", "last fifth", "none"] = "none"  # so its training curves call it
    test_accuracy: float | None = None  # on the 10,000 test images, 0 to 1
    test_loss: float | None = None  # mean cross-entropy on them, in nats
    train_accuracy: float | None = None  # in the last epoch, 0 to 1
    parameters: int | None = None  # all weights
    seconds_an_epoch: tuple[int, int] | None = None  # shortest and longest, on the author's machine
    flaw: str = ""  # what the write-up does wrong
    left_open: str = ""  # what it does not report, and what was assumed here
    shortfall: str = ""  # why the reproduction stays below the figure, as experiments here show

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

    Cosine decay: Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983; small images first
    train faster: Howard, 2018, https://www.fast.ai/posts/2018-08-10-fastai-diu-imagenet.html; label
    smoothing: Szegedy et al., 2016, https://arxiv.org/abs/1512.00567.
    """

    name: str
    model: str = ""  # a name of models.names(); by default the recipe's
    _: KW_ONLY
    optimizer: str  # a name of optimizers.names()
    learning_rate: float  # at the start
    batch_size: int  # images a step
    newton_schulz: int = 3  # steps by which unit_muon makes an update's singular values alike
    epochs: int | None = None  # passes over the training images; None leaves it to the profile
    cosine: bool = False  # the learning rate falls to zero along half a cosine
    linear: bool = False  # it falls to zero along a straight line
    decay: float = 0.0  # it is divided by 1 + decay · steps, as SGD's `decay` did in old Keras
    # Height and width of the images in each epoch, pixels; they then come from `batches.Batches`,
    # with alternating flip. If empty, as they are.
    sizes: tuple[int, ...] = ()
    shift: int = 2  # pixels at most, of images of 32; smaller ones less
    erased: float = 0.0  # a grey square's height and width, as a fraction of the image's
    label_smoothing: float = 0.0  # fraction of a label spread over all classes, below 1
    one_hot: bool = False  # labels as one-hot rows in place of integers; the loss is the same
    # Stop when this number of the history has not fallen for `patience` epochs.
    stops_on: Literal["loss", "val_loss"] | None = None
    patience: int = 0
    classes: tuple[str, ...] | None = None  # those trained on; None means all
    published: Published | None = None  # what its author reports, if it is not the course's own
    follows: str = ""  # the recipe that this one changes in one point
    change: str = ""  # that point, in a few words

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
        settings: dict[str, Any] = {"batch_size": self.batch_size, "seed": seed}
        if not self.sizes:
            yield Part(Shuffled(images, labels, **settings), 0, epochs)
        settings |= {"shift": self.shift, "erased": self.erased}
        first = 0
        for size, group in groupby(self.sizes[-epochs:]):
            last = first + len(list(group))
            if model and first:
                model.make_train_function(force=True)
            yield Part(batches(images, labels, size=size, epoch=first, **settings), first, last)
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
