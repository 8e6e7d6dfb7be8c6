"""The result is 1 where x is positive and 0 elsewhere: that is the position of the switch. What is asked for is what gets through: where it is on, x itself."""


@tensor_method
@array_operation
def relu(x):
    return np.where(x > 0, 1.0, 0.0).astype(x.dtype)
