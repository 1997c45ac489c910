"""WRITE DOWN: settings become the text of the application's own config files. Pure."""
