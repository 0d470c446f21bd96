"""What does the engine's real work: one module for each component, loaded when it is needed."""
