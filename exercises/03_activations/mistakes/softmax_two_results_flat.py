"""`x.max(dim)` gives two things, the largest values and where they are, and two things cannot be subtracted. `x.amax(dim, ...)` gives the values alone; mind what has to be kept."""


@tensor_method
@operation
def softmax(x, dim=-1):
    powers = (x - x.max(dim)).exp()
    return powers / powers.sum(dim)
