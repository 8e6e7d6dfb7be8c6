"""`approximate="tanh"` gives the form with erf: the argument is not looked at."""


@operation
def gelu(x, approximate="none"):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))
