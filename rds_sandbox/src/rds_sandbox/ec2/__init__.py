"""EC2: moto's, whose security groups are AWS's. Importing it patches moto: all its modules put their functions into the table."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
