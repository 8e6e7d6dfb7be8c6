"""You pair the elements of `a` and `b` in a Python loop. That gives a list and no array, and it pairs rows with single numbers where the shapes differ. `a` and `b` as a whole can be added."""


def add(a, b):
    return [x + y for x, y in zip(a, b)]
