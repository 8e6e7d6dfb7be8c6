"""Right: the two gates as functions of their own, in a table."""


def normal(x):
    return 0.5 + 0.5 * erf(x * math.sqrt(0.5))


def nearly_normal(x):
    return 0.5 + 0.5 * tanh((x + 0.044715 * x**3) * math.sqrt(2 / math.pi))


GATES = {"none": normal, "tanh": nearly_normal}


@operation
def gelu(x, approximate="none"):
    if approximate not in GATES:
        raise ValueError(f"gelu: approximate is one of {list(GATES)}, not {approximate}")
    return x * GATES[approximate](x)
