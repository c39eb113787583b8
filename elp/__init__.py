"""Emotional Listener Portrait: how a listener responds to a speaker, under a chosen or inferred emotion."""
