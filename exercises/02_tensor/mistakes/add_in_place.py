"""The sum is right, but it was written into `a`, so the caller's array has changed. `+=` works in place; make a new array instead."""


def add(a, b):
    a += b
    return a
