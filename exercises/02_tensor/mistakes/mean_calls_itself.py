"""`x.mean` is the function you are writing, so it calls itself without end. A mean is made of a sum and a division: those two exist already."""


@operation
def mean(x, dim=None, keepdim=False):
    return x.mean(dim, keepdim)
