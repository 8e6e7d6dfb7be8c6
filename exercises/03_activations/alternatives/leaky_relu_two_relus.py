"""Right: what relu passes on, less a part of what it blocks."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    blocked = relu(-x)
    return relu(x) - (negative_slope * blocked if negative_slope else 0)
