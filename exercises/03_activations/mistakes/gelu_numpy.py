"""NumPy's `tanh` does not take a tensor. Yours does, and it is recorded: `tanh(...)` without the np."""


@operation
def gelu(x, approximate="none"):
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + np.tanh(inner))
    if approximate != "none":
        raise ValueError(f"gelu: {approximate!r} is not known")
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))
