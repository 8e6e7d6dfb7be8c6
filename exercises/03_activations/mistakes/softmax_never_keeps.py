"""Neither the largest scores nor the sums kept their dimension, so they do not stand beside their own row. A square table is then moved and divided the wrong way without an error."""


@tensor_method
@operation
def softmax(x, dim=-1):
    powers = (x - x.amax(dim)).exp()
    return powers / powers.sum(dim)
