"""Checks of 01-setup/manual-seed."""

import numpy as np
import pytest

from tinytorch.random import Generator, default_generator, manual_seed
from tito.testing import assert_same


def after(seed: int) -> tuple[bool, int | None, list[int]]:
    """What a call leaves behind, from a state that is always the same."""
    default_generator.manual_seed(1)
    returned = manual_seed(seed)
    rolls = default_generator.numpy.integers(1, 7, size=8).tolist()
    return returned is default_generator, default_generator.initial_seed(), rolls


PROBES = [lambda: after(0), lambda: after(42), lambda: after(2024)]


@pytest.mark.confidence
def test_it_runs():
    """It accepts a seed."""
    manual_seed(7)


@pytest.mark.confidence
def test_it_returns_a_generator():
    """It gives a generator back."""
    returned = manual_seed(7)
    assert returned is not None, "manual_seed returned None: a function without return does."
    assert isinstance(returned, Generator), (
        f"manual_seed returned {returned!r}; it should return default_generator."
    )


@pytest.mark.unit
def test_it_is_the_default_generator():
    """What it returns is the default generator itself."""
    assert manual_seed(7) is default_generator, (
        "manual_seed returned another generator than default_generator. Seeding a copy leaves the "
        "one that everything uses as it was."
    )


@pytest.mark.unit
@pytest.mark.parametrize("seed", [0, 42, 2024])
def test_it_starts_from_the_seed(seed):
    """The numbers that follow are those of this seed."""
    default_generator.manual_seed(1)
    manual_seed(seed)
    got = default_generator.numpy.integers(1, 7, size=8)
    assert_same(got, np.random.default_rng(seed).integers(1, 7, size=8), inputs={"seed": seed})


@pytest.mark.unit
def test_it_remembers_the_seed():
    """The generator can say which seed it was given."""
    default_generator.manual_seed(1)
    manual_seed(42)
    assert default_generator.initial_seed() == 42, (
        "After manual_seed(42), default_generator.initial_seed() is "
        f"{default_generator.initial_seed()}. Call the generator's own manual_seed method."
    )


@pytest.mark.learning
def test_same_seed_same_numbers():
    """The same seed gives the same numbers, another seed gives others."""
    rolls = {}
    for run, seed in {"first": 7, "second": 7, "third": 8}.items():
        manual_seed(seed)
        rolls[run] = default_generator.numpy.integers(1, 7, size=10).tolist()
        print(f"seed {seed}: {rolls[run]}")
    assert rolls["first"] == rolls["second"], "Two runs from seed 7 differ."
    assert rolls["first"] != rolls["third"], "Seeds 7 and 8 gave the same ten rolls."


@pytest.mark.stretch
def test_it_refuses_what_is_not_a_seed():
    """A seed that is no whole number is an error that says so."""
    with pytest.raises(ValueError, match="seed"):
        manual_seed(1.5)
