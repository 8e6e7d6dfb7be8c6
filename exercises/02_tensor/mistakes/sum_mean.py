"""This is the mean: the total was divided by the number of elements. The sum is what you have before that division."""


def sum(a, dim=None, keepdim=False):
    return np.mean(a, axis=dim, keepdims=keepdim)
