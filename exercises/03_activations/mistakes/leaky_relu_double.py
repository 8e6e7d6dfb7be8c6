"""The numbers are right, but float32 became float64: `np.where` with two plain numbers makes an array of float64, and everything it meets takes twice the memory. Let `np.where` choose between x and a multiple of x."""


@tensor_method
@array_operation
def leaky_relu(x, negative_slope=0.01):
    return x * np.where(x > 0, 1.0, negative_slope)
