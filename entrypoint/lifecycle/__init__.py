"""DECIDE what happens next, as data. Pure: events in, actions out, no clock and no system call."""
