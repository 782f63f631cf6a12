"""Judgements that are larger than one probe file. Facts and declarations in, findings out."""
