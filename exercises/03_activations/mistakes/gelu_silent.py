"""Both forms are right. An unknown word, though, such as "erf", is taken for "none" without a sound. Raise a ValueError that names it."""


@operation
def gelu(x, approximate="none"):
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + tanh(inner))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))
