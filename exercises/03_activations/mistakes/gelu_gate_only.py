"""This is the probability alone, from 0 to 1. It says how far the switch is open; x has to go through it."""


@operation
def gelu(x, approximate="none"):
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * (1 + tanh(inner))
    if approximate != "none":
        raise ValueError(f"gelu: {approximate!r} is not known")
    return 0.5 * (1 + erf(x / math.sqrt(2)))
