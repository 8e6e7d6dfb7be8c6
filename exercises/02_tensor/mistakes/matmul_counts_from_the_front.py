"""The inner sizes are counted from the front: `a.shape[1]` is right for a matrix, but a vector has no second size, and in a stack the first sizes count the matrices. Count from the end."""


def matmul(a, b):
    if a.ndim == 0 or b.ndim == 0 or a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not fit")
    return np.matmul(a, b)
