"""`x.shape[dim]` is the count for one dimension. `dim` can also be None, for all of them, or several at once. Is there a count that needs no `dim`?"""


@operation
def mean(x, dim=None, keepdim=False):
    return x.sum(dim, keepdim) / x.shape[dim]
