"""The recipes of the course's own networks of notebook 03; the profile says how many epochs."""

from cifar10_cnn.training.recipes.recipe import Recipe

BASIC = (
    Recipe("dense_baseline", optimizer="adam", learning_rate=0.001, batch_size=64, cosine=True),
    Recipe("plain_cnn", optimizer="adam", learning_rate=0.001, batch_size=64),
    # Batch normalization bears twice the learning rate.
    Recipe("regularized_cnn", optimizer="adam", learning_rate=0.002, batch_size=64, cosine=True),
)
