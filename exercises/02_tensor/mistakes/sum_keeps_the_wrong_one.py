"""`dim` names the dimension that disappears, and here it is the one that stays. `dim=0` adds up *down the rows* and leaves one number for each column."""


def sum(a, dim=None, keepdim=False):
    if isinstance(dim, int):
        dim = tuple(d for d in range(a.ndim) if d != dim % a.ndim)
    return np.sum(a, axis=dim, keepdims=keepdim)
