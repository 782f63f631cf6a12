"""The report of a period: rows in, one content out, from which page, PDF, HTML, CSV and JSON are made. Pure."""
