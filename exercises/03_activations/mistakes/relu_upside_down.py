"""It passes on what is negative and blocks what is positive: the smaller of x and 0. Which of the two is wanted?"""


@tensor_method
@array_operation
def relu(x):
    return np.minimum(x, 0)
