"""The result is right, but the array you were given has changed its shape too: `a.shape = ...` works on the argument itself. Its owner still needs the old shape. Return a new view."""


def reshape(a, shape):
    a.shape = shape
    return a
