"""What the rows about a policy come to, in sentences. Pure: facts in, verdict out."""
