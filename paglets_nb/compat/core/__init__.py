"""The reference's core: agent, messages, events, errors, runtime values, itinerary."""
