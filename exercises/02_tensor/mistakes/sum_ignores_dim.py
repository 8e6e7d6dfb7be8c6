"""It always adds up everything, whichever `dim` is asked for. NumPy calls this argument `axis`; hand `dim` on to it."""


def sum(a, dim=None, keepdim=False):
    return np.sum(a, keepdims=keepdim)
