# Span against work of the paper's searches, with and without speculative training, by simulation: bench/span.c.
exec "$BUILD/bench/span"
