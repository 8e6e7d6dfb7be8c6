"""The sum was made of shifted scores and subtracted from scores that are not shifted, so all results are too large, by the largest score. Both terms need the same shift."""


@tensor_method
@operation
def log_softmax(x, dim=-1):
    shifted = x - x.amax(dim, keepdim=True)
    return x - shifted.exp().sum(dim, keepdim=True).log()
