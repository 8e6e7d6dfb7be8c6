"""Right: the shift, taken out of the sum, is added back to its logarithm."""


@tensor_method
@operation
def log_softmax(x, dim=-1):
    largest = x.amax(dim, keepdim=True)
    total = (x - largest).exp().sum(dim, keepdim=True)
    return x - (largest + total.log())
