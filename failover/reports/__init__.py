"""The report of a drill: rows in, one content out, from which page, PDF and JSON are made. Pure."""
