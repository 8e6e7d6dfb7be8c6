"""Negative numbers come back positive: this is the absolute value. A switch that is off lets nothing through."""


@tensor_method
@array_operation
def relu(x):
    return np.abs(x)
