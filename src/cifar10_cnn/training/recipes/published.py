"""The recipes of the published networks, as their authors give them, flaws included.

``flaw`` names what is wrong in a write-up; ``left_open`` says what it does not report, and what was
assumed here.
"""

from functools import partial

from cifar10_cnn.training.recipes.recipe import Published, Recipe

_adam = partial(Recipe, optimizer="adam", learning_rate=0.001)
# P4's three networks are trained alike.
_p4 = partial(Recipe, batch_size=32, epochs=15, one_hot=True)

PUBLISHED = (
    _adam(
        "intro_cnn",
        batch_size=64,
        epochs=10,
        published=Published(
            "P0",
            test_loss=1.5843,
            flaw="One loss and a few images say little: no accuracy, no validation split.",
            left_open="The CNN's layers and its optimizer: those of most introductions, with Adam "
            "at Keras' learning rate of 0.001; pixels divided by 255.",
        ),
    ),
    _adam(
        "batchnorm_cnn",
        batch_size=32,
        epochs=25,
        one_hot=True,
        stops_on="loss",
        patience=3,
        published=Published(
            "P1",
            validates_on="last fifth",
            test_accuracy=0.6591,
            train_accuracy=0.8495,
            parameters=382_858,
            seconds_an_epoch=(29, 34),
            flaw="Early stopping watches the training loss, which goes on falling while the "
            "network overfits from about epoch 5: it never stops in time.",
            left_open="Adam's learning rate: Keras' default, 0.001.",
            shortfall="Its last epoch is chance: in each run the accuracy on the last fifth goes "
            "up and down by more than three points within the last ten epochs, in float32 as in "
            "bf16. The epoch that validates best (honest) passes the published figure.",
        ),
    ),
    _adam(
        "two_conv_cnn",
        batch_size=128,
        epochs=10,
        published=Published(
            "P2",
            validates_on="test",
            test_accuracy=0.6804,
            train_accuracy=0.7625,
            seconds_an_epoch=(228, 232),
            flaw="The test split serves as validation: whoever chooses the number of epochs by "
            "that curve has used the test labels.",
            left_open="Padding (none), dropout (0.5), optimizer (Adam, 0.001), batch size (128); "
            "pixels divided by 255; an epoch is one pass over all five files of the data set.",
        ),
    ),
    _adam(
        "block_cnn",
        batch_size=64,
        epochs=30,
        stops_on="val_loss",
        patience=4,
        classes=("cat", "dog", "frog"),
        published=Published(
            "P3",
            flaw="No figure is reported.",
            left_open="Nearly all: three classes (cat, dog, frog), the layers (the course's own "
            "blocks of 32 and 64 filters, dropout, 128 dense units), Adam at 0.001, batches of "
            "64, at most 30 epochs, stopped after 4 without a lower validation loss.",
        ),
    ),
    _p4(
        "strided_cnn",
        optimizer="rmsprop",
        learning_rate=0.0005,
        published=Published(
            "P4a",
            test_accuracy=0.6305,
            test_loss=1.0841,
            parameters=181_162,
            flaw="No validation split.",
            left_open="RMSprop's learning rate (0.0005), batch size (32), dropout (0.25 and 0.5): "
            "those of the old Keras example that models 1 and 2 resemble.",
        ),
    ),
    _p4(
        "four_conv_cnn",
        optimizer="rmsprop",
        learning_rate=0.0005,
        published=Published(
            "P4b",
            test_accuracy=0.7191,
            test_loss=0.8600,
            parameters=1_250_858,
            flaw="No validation split.",
            left_open="As P4a.",
        ),
    ),
    _p4(
        "maxnorm_cnn",
        optimizer="momentum",
        learning_rate=0.01,
        decay=0.01 / 15,
        published=Published(
            "P4c",
            test_accuracy=0.7204,
            test_loss=1.1369,
            parameters=4_210_090,
            flaw="No validation split.",
            left_open="Whether the max-norm constraints, imported, were used: here they are, with "
            "length 3; dropout (0.2 and 0.5), batch size (32), and whether the learning rate fell: "
            "here it does, by SGD's old decay of learning rate / epochs; one-hot labels, as in "
            "P4a. The pixels are standardized: divided by 255, as in P4a, the same network stays "
            "below its published figure (rescaled_maxnorm_cnn).",
        ),
    ),
)
