"""What java leaves behind is left alone."""

from entrypoint.system import process

process.sweep = lambda number, group: None
