"""The products are right. When shapes do not fit, though, the error is NumPy's, about core dimensions, and does not say which shapes met. Compare the inner sizes before you multiply and raise a ValueError that names both shapes."""


def matmul(a, b):
    return np.matmul(a, b)
