"""The power is e to the *positive* |x|, which overflows on both sides. A power that is at most 1 needs a negative exponent."""


@tensor_method
@array_operation
def sigmoid(x):
    large = np.exp(np.abs(x))
    return np.where(x >= 0, large, 1) / (1 + large)
