"""Fine-tuning on suites of tasks: many models, several seeds, one table."""
