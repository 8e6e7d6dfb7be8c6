"""You divide by the logarithm of the sum. The logarithm of a fraction is a difference: log(a / b) = log a - log b."""


@tensor_method
@operation
def log_softmax(x, dim=-1):
    shifted = x - x.amax(dim, keepdim=True)
    return shifted / shifted.exp().sum(dim, keepdim=True).log()
