"""`manual_seed` seeds the default generator but gives nothing back: a function that ends without `return` gives None. The caller wants the generator to go on with."""


def manual_seed(seed):
    default_generator.manual_seed(seed)
