"""It falls from 1 to 0 where it should rise: this is the sigmoid of -x. Look at the sign in the exponent and at the question in `np.where`."""


@tensor_method
@array_operation
def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, small, 1) / (1 + small)
