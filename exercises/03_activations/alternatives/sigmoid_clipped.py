"""Right: float32 holds e^88, and beyond that the sigmoid is 0 or 1 to more digits than it has."""


@tensor_method
@array_operation
def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -88, 88)))
