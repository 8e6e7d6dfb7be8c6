"""Right: (1 + tanh(u)) / 2 is the sigmoid of 2u."""


@operation
def gelu(x, approximate="none"):
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: {approximate!r} is not known")
    if approximate == "tanh":
        return x * sigmoid(2 * math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x))
    return x * (1 + erf(x / math.sqrt(2))) / 2
