"""All negative numbers get the answer of their positive twin: with |x| alone, x = -3 and x = 3 are the same. Below zero, something else belongs above the fraction line."""


@tensor_method
@array_operation
def sigmoid(x):
    return 1 / (1 + np.exp(-np.abs(x)))
