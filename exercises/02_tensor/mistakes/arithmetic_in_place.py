"""The numbers are right, but the first array is changed while you compute: `a -= b` writes the result into `a`, and whoever gave you `a` still needs it. Make a new array."""


def sub(a, b):
    a -= b
    return a


def mul(a, b):
    a *= b
    return a


def div(a, b):
    a = a.astype(float) if a.dtype.kind == "i" else a
    a /= b
    return a
