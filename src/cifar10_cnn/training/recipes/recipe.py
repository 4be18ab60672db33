"""What a recipe is: the settings of one training, and what its author reports of it."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Any, Literal

from cifar10_cnn import models
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
class Part:
    """A row of epochs: the arguments of ``model.fit``."""

    x: Shuffled
    initial_epoch: int
    epochs: int
    shuffle: bool = False  # its order is drawn already


@dataclass(frozen=True)
class Recipe:
    """The settings of one training.

    Attributes:
        name: the recipe's name; the network's own name where it has one recipe only.
        model: the network, a name of ``models.names()``.
        optimizer: a name of ``optimizers.names()``.
        learning_rate: the optimizer's step size at the start.
        batch_size: pictures a step.
        newton_schulz: steps by which ``unit_muon`` makes an update's singular values alike; more
            make them more alike.
        epochs: passes over the training pictures at full size; None leaves it to the profile.
        cosine: let the learning rate fall to zero along half a cosine over the whole training
            (Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983), or keep it constant.
        linear: let it fall to zero along a straight line.
        decay: divide the learning rate by 1 + decay · steps, as SGD's ``decay`` did in old Keras;
            not together with ``cosine`` or ``linear``.
        sizes: height and width of the pictures, pixels, one number for each epoch: small ones are
            learnt from faster (Howard, 2018, https://www.fast.ai/posts/2018-08-10-fastai-diu-imagenet.html).
            The pictures then come from ``batches.Batches``, mirrored in turn; if empty, as they
            are.
        shift: pixels by which these pictures are shifted at most, those of 32; smaller ones less.
        erased: height and width of a grey square in each of these pictures, as a share of the
            picture's.
        label_smoothing: share of each label that is spread over all classes, 0 to less than 1
            (Szegedy et al., 2016, https://arxiv.org/abs/1512.00567).
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

    def compile(self, model: keras.Model, pictures: int, epochs: int) -> None:
        """Compile ``model`` with the recipe's optimizer and the cross-entropy of its labels.

        Args:
            model: a classifier that returns probabilities.
            pictures: number of training pictures.
            epochs: number of epochs of the whole training.
        """
        loss = "categorical_crossentropy" if self.one_hot else "sparse_categorical_crossentropy"
        if self.label_smoothing:
            loss = keras.losses.CategoricalCrossentropy(label_smoothing=self.label_smoothing)
        steps = epochs * math.ceil(pictures / self.batch_size)
        model.compile(
            optimizer=optimizers.make(
                self.optimizer, self.rate(steps), self.batch_size, self.newton_schulz
            ),
            loss=loss,
            metrics=["accuracy"],
            # Batches of 32 are so short that a CPU waits for Python between them.
            steps_per_execution=16 if self.batch_size < 256 else 1,
        )

    def rate(self, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
        """Return the learning rate, or how it goes on over that many steps."""
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
        pictures: Split,
        classes: int,
        *,
        epochs: int,
        seed: int,
        model: keras.Model | None = None,
        batches: type[Batches] = Batches,
    ) -> Iterator[Part]:
        """Give what ``model.fit`` needs for each row of epochs that show pictures of one size.

        Args:
            pictures: the training pictures.
            classes: number of classes, k.
            epochs: number of epochs of the whole training; of ``sizes`` the last ones are taken.
            seed: of order, mirroring and shifts, where ``sizes`` are given.
            model: what will be fitted, to be told of each new size (``fast_layers.Convolution``).
            batches: what makes them.
        """
        labels = pictures.labels
        if not self.sizes:
            wanted = keras.utils.to_categorical(labels, classes) if self.one_hot else labels
            drawn = Shuffled(pictures.images, wanted, batch_size=self.batch_size, seed=seed)
            yield Part(drawn, 0, epochs)
        first = 0
        for size, group in groupby(self.sizes[-epochs:]):
            last = first + len(list(group))
            moved = batches(
                pictures.images,
                keras.utils.to_categorical(labels, classes),
                size=size,
                batch_size=self.batch_size,
                seed=seed,
                shift=self.shift,
                erased=self.erased,
                epoch=first,
            )
            if model and first:
                model.make_train_function(force=True)
            yield Part(moved, first, last)
            first = last

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

    def identity(self) -> str:
        """Return settings and network as one line of JSON: where it is another, results differ."""
        return json.dumps([self.settings(), models.fingerprint(self.model)])
