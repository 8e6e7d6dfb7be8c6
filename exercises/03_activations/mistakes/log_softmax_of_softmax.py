"""You take the logarithm of the probabilities. A probability of e^-1000 has already been rounded to 0 by then, and log 0 is -inf. Take the logarithm on paper first: log(a / b) = log a - log b."""


@tensor_method
@operation
def log_softmax(x, dim=-1):
    return softmax(x, dim=dim).log()
