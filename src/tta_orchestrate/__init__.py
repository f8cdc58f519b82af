"""AI reviews, tests and docs in CI that are cheap, honest and safe."""
