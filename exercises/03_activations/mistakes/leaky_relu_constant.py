"""Below zero the result is the slope itself, whatever x is there. A slope has to be multiplied by something."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, np.asarray(negative_slope, x.dtype))
