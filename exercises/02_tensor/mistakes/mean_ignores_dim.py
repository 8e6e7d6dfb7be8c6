"""It always gives the mean of everything, whichever `dim` is asked for: the sum is taken without it."""


@operation
def mean(x, dim=None, keepdim=False):
    return x.sum() / x.numel()
