"""`np.max` looks for the one largest element of the whole array; the 0 beside it was taken for an axis. You need the function that compares two things place by place."""


@tensor_method
@array_operation
def relu(x):
    return np.max(x, 0)
