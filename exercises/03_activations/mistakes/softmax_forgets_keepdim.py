"""The sums lost their dimension, so they no longer stand beside their own row. A square table is then divided the wrong way without an error. Which option keeps the dimension?"""


@tensor_method
@operation
def softmax(x, dim=-1):
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / powers.sum(dim)
