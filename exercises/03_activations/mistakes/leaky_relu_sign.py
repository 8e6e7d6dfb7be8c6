"""Negative numbers come out positive, so the line goes up again to the left. x is negative there already; it needs no minus sign."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, -negative_slope * x)
