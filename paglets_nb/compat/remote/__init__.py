"""The reference's remote: proxy, references, transfer, mesh."""
