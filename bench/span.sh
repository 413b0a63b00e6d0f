# Span against work of the paper's searches, with and without training ahead, by simulation: bench/span.c.
exec "$BUILD/bench/span"
