"""The sums lost their dimension, so each row gets amounts that belong to others. A square table hides it. Which option keeps the dimension?"""


@tensor_method
@operation
def log_softmax(x, dim=-1):
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim).log()
