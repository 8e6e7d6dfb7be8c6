"""`manual_seed` starts from 7 whichever seed it is given. Every seed then means the same experiment. Use the argument `seed`."""


def manual_seed(seed):
    return default_generator.manual_seed(7)
