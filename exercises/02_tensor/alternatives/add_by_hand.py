"""A loop over the broadcast elements is slow and right; helpers and imports of one's own are allowed."""

import itertools


def pairs(a, b):
    return np.broadcast_arrays(a, b)


def add(a, b):
    left, right = pairs(a, b)
    out = np.empty(left.shape, np.result_type(a, b))
    for index in itertools.product(*map(range, out.shape)):
        out[index] = left[index] + right[index]
    return out
