"""NumPy does not understand this call. It says `axis` and `keepdims` where this book says `dim` and `keepdim`, and by position its third argument is a type. Hand both on by NumPy's names."""


def sum(a, dim=None, keepdim=False):
    return np.sum(a, dim, keepdim)
