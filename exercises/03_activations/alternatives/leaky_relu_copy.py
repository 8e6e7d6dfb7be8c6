"""Right: a copy may be changed in place."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    out = np.array(x)
    out[out < 0] *= negative_slope
    return out
