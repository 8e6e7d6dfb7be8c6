"""Right: `logsumexp` of chapter 02 is the logarithm of the sum, and shifts by itself."""


@tensor_method
@operation
def log_softmax(x, dim=-1):
    return x - x.logsumexp(dim, keepdim=True)
