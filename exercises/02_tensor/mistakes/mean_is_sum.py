"""This is the sum. For a mean, each sum is divided by the number of elements that went into it."""


@operation
def mean(x, dim=None, keepdim=False):
    return x.sum(dim, keepdim)
