"""`keepdim` is not used: the dimension is gone although the caller asked to keep it. Which call takes it along?"""


@operation
def mean(x, dim=None, keepdim=False):
    total = x.sum(dim)
    return total / (x.numel() / total.numel())
