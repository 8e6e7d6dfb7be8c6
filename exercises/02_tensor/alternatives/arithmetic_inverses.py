"""Right: subtracting is adding the opposite, dividing is multiplying by the inverse (up to rounding)."""


def sub(a, b):
    return a + (-b)


def mul(a, b):
    return np.einsum("...,...->...", a, b)


def div(a, b):
    return a * (1 / b)
