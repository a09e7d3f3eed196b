//! Faults injected into the real program: kills, errno, full disks. Run by `tests/run`; needs root and strace.
