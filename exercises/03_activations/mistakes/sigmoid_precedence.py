"""`1 / 1 + e` is (1 / 1) + e: division goes before addition. The sum below the fraction line needs parentheses."""


@tensor_method
@array_operation
def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / 1 + small
