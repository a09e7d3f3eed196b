# obs for sh: sourced once, every script is observed.
__obs_version=0.1.0
