"""Right: one element after the other. Slow."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    out = np.empty_like(x)
    for place, value in np.ndenumerate(x):
        out[place] = value if value > 0 else negative_slope * value
    return out
