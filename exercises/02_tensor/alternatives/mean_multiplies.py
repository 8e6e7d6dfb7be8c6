"""Multiplying by one over the count is the same; the decorator may be left out, since nothing replaces the function here."""


def mean(x, dim=None, keepdim=False):
    total = x.sum(dim, keepdim)
    return total * (total.numel() / max_of_one(x.numel()))


def max_of_one(n):
    return n if n else 1
