"""The configuration of a run, as TOML: read, checked, and turned into a Network and arguments."""

from hh_sde.config.reading import (
    Config,
    ConfigError,
    load,
    load_network,
    load_study,
    load_sweep,
    parse,
)

__all__ = ["Config", "ConfigError", "load", "load_network", "load_study", "load_sweep", "parse"]
