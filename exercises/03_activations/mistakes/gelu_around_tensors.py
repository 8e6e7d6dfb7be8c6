"""The numbers are right, but they were computed on the array inside the tensor, so the result does not know where it came from. Leave out `.data` and `Tensor(...)`: the same formula works on the tensor itself."""


@operation
def gelu(x, approximate="none"):
    x = x.data
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return Tensor(0.5 * x * (1 + np.tanh(inner)))
    if approximate != "none":
        raise ValueError(f"gelu: {approximate!r} is not known")
    return Tensor(0.5 * x * (1 + erf(x / math.sqrt(2))))
