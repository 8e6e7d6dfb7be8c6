"""Right: the state of a freshly seeded generator, copied into the default one."""


def manual_seed(seed):
    fresh = Generator().manual_seed(seed)
    default_generator.set_state(fresh.get_state())
    return default_generator
