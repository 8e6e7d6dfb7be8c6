"""`np.tan` is the tangent of an angle, which goes up and starts again without end. The *hyperbolic* tangent has one letter more."""


@tensor_method
@array_operation
def tanh(x):
    return np.tan(x)
