# obs for fish: sourced once, every script is observed.
set -g __obs_version 0.1.0
