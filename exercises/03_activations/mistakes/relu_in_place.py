"""The numbers are right, but they were written into the array you were given: `x[x < 0] = 0` changes x itself, and whoever gave it to you still needs it. Make a new array."""


@tensor_method
@array_operation
def relu(x):
    x[x < 0] = 0
    return x
