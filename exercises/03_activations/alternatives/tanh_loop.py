"""Right: one number after the other. Slow."""


@tensor_method
@array_operation
def tanh(x):
    numbers = [math.tanh(value) for value in x.flat]
    return np.array(numbers, x.dtype).reshape(x.shape)
