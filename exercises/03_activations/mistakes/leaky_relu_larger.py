"""You take the larger of x and slope times x. That picks the right one while the slope is at most 1; with a slope of 2 and x = -4 it picks -4 where -8 is wanted. The sign of x decides, not the size."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    return np.maximum(x, negative_slope * x)
