"""The sum of the powers is subtracted, and not its logarithm."""


@tensor_method
@operation
def log_softmax(x, dim=-1):
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True)
