"""Right: a loop over the broadcast pairs, as slow as the page measured, and correct."""


def each_pair(a, b, combine):
    a, b = np.broadcast_arrays(a, b)
    numbers = [combine(x, y) for x, y in zip(a.flat, b.flat)]
    return np.array(numbers).reshape(a.shape)


def sub(a, b):
    return each_pair(a, b, operator.sub)


def mul(a, b):
    return each_pair(a, b, operator.mul)


def div(a, b):
    return each_pair(a, b, operator.truediv)
