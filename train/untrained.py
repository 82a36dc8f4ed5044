"""A recipe's network before it is trained, and whether it can be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edge.text import first_line
from train import networks
from train.heads import heads_of
from train.networks.efficientnet_b0 import load_body
from train.recipes import REPOSITORY, RecipeError

if TYPE_CHECKING:
    import keras

    from train.recipes import Recipe


def untrained(recipe: Recipe, classes: int) -> keras.Model:
    """Return the recipe's network with random weights, but those of its body that the recipe names a file for.

    Raises:
        RecipeError: The file is missing, or holds something else.
    """
    network = networks.build(recipe.network, classes)
    if isinstance(recipe.network, networks.EfficientNetB0Config) and recipe.network.weights:
        file = REPOSITORY / recipe.network.weights
        try:
            load_body(network, file)
        except (OSError, ValueError) as error:
            message = f"network.weights: {file}: no weights of this network's body: {first_line(error)}"
            raise RecipeError(message) from error
    return network


def check_network(recipe: Recipe) -> None:
    """Build a recipe's network once, before its data are read, which takes long.

    Raises:
        RecipeError: It cannot be built, or the schedule names a part that it does not have, or freezes everything.
    """
    classes = heads_of(recipe.data)[-1].columns.stop
    try:
        network = networks.build(recipe.network, classes) if recipe.start else untrained(recipe, classes)
    except ValueError as error:
        message = f"network: {recipe.network.kind} cannot be built with these values: {first_line(error)}"
        raise RecipeError(message) from error
    paths = [weight.path for weight in network.weights]
    frozen = [name for phase in recipe.schedule.phases for name in phase.frozen]
    for key, names in (("rates", recipe.schedule.rates), ("phases.frozen", frozen)):
        for name in names:
            if not any(path.startswith(name) for path in paths):
                known = ", ".join(dict.fromkeys(re.split("[/_]", path)[0] for path in paths))
                message = f"schedule.{key}: no layer's name begins with {name!r}; they begin with {known}"
                raise RecipeError(message)
    trained = [weight.path for weight in network.trainable_weights]
    for number, phase in enumerate(recipe.schedule.phases, start=1):
        if all(path.startswith(phase.frozen) for path in trained):
            message = f"schedule.phases.frozen: phase {number} leaves nothing to train"
            raise RecipeError(message)
