"""The numbers are right, but they were written into the array you were given. `x[x < 0] *= ...` changes x itself. Make a new array."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    x[x < 0] *= negative_slope
    return x
