"""TOUCH: the only place with system calls, besides serve/ and the supervisor."""
