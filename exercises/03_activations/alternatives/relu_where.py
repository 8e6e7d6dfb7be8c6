"""Right: asked the other way round, so that a nan, which is not below 0, gets through."""


@tensor_method
@array_operation
def relu(x):
    return np.where(x < 0, 0, x)
