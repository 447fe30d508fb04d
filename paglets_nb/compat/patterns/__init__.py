"""The reference's patterns: tasks, operations, coordination, notifications, file mobility."""
