"""The judge: evidence in, verdict out."""
