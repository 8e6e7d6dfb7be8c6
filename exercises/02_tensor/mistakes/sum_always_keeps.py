"""The dimension stays with size 1 even when nobody asked for it. `keepdim` is False unless the caller says otherwise: hand it on."""


def sum(a, dim=None, keepdim=False):
    return np.sum(a, axis=dim, keepdims=True)
