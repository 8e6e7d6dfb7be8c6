"""One number, the largest of all, was taken from every row. In a row 1000 below it every power rounds to 0, and log 0 is -inf. Each row needs its own largest."""


@tensor_method
@operation
def log_softmax(x, dim=-1):
    shifted = x - x.amax()
    return shifted - shifted.exp().sum(dim, keepdim=True).log()
