"""NumPy's `exp` does not take a tensor. A tensor has a method of that name: `(...).exp()`."""


@tensor_method
@operation
def softmax(x, dim=-1):
    powers = np.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)
