"""Right: the same call and the return as two lines."""


def manual_seed(seed):
    default_generator.manual_seed(seed)
    return default_generator
