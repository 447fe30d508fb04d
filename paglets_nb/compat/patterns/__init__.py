"""The reference's patterns: tasks, operations."""
