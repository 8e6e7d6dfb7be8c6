"""Right: the switch of one number, for one element after the other. Slow."""


@tensor_method
@array_operation
def relu(x):
    out = np.empty_like(x)
    for place, value in np.ndenumerate(x):
        out[place] = 0 if value < 0 else value
    return out
