"""x goes into erf as it is, so the curve is too steep. The spread of a normal number brings in a square root of 2: where does the formula put it?"""


@operation
def gelu(x, approximate="none"):
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + tanh(inner))
    if approximate != "none":
        raise ValueError(f"gelu: {approximate!r} is not known")
    return 0.5 * x * (1 + erf(x))
