"""The whole table sums to 1, not each row of it: the sum was taken over everything. It has to be taken along `dim`."""


@tensor_method
@operation
def softmax(x, dim=-1):
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / powers.sum()
