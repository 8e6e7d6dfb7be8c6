"""The largest scores lost their dimension, so they no longer stand beside their own row: each row is moved by amounts that belong to others. Which option keeps the dimension?"""


@tensor_method
@operation
def softmax(x, dim=-1):
    powers = (x - x.amax(dim)).exp()
    return powers / powers.sum(dim, keepdim=True)
