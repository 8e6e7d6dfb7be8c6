"""`manual_seed` seeds a new generator and leaves the default one alone. Everything else still draws from `default_generator`, so its numbers have not started again. Seed that object."""


def manual_seed(seed):
    generator = Generator()
    generator.manual_seed(seed)
    return generator
