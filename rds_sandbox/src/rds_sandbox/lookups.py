"""What botocore and moto look up anew for each session or request, though it never changes: looked up once."""

import functools

from botocore import loaders, session


def keep_data_files() -> None:
    """Share botocore's data files: moto makes many sessions while it is imported."""
    read = functools.cache(loaders.JSONFileLoader().load_file)
    loaders.JSONFileLoader.load_file = lambda _, path: read(path)
    session.create_loader = functools.cache(loaders.create_loader)


def keep_names() -> None:
    """Share moto's loader, its list of its folders, and the names of the methods of its classes."""
    from moto import backends
    from moto.core import responses, utils

    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    for module, name in ((utils, "create_loader"), (responses, "method_names_from_class")):
        setattr(module, name, functools.cache(getattr(module, name)))
