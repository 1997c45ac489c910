"""Facts of Java as pure functions: releases, options, flags, the command line. No input or output."""
