"""In the tanh form x is squared where it has to be cubed. For negative x a square has the wrong sign."""


@operation
def gelu(x, approximate="none"):
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x))
        return 0.5 * x * (1 + tanh(inner))
    if approximate != "none":
        raise ValueError(f"gelu: {approximate!r} is not known")
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))
