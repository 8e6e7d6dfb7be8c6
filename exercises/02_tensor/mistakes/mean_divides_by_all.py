"""You divide by the number of all elements of x. Over one dimension each sum has fewer elements in it: how many, compared with the number of sums?"""


@operation
def mean(x, dim=None, keepdim=False):
    return x.sum(dim, keepdim) / x.numel()
