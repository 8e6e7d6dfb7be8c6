"""The numbers are right, but they were computed on the array inside the tensor, so the result does not know where it came from, and no gradient could flow through it. A tensor has exp, amax, sum and / of its own."""


@tensor_method
@operation
def softmax(x, dim=-1):
    powers = np.exp(x.data - x.data.max(axis=dim, keepdims=True))
    return Tensor(powers / powers.sum(axis=dim, keepdims=True))
