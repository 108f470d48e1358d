"""Whom we call: settings from the environment, live pub/sub, secrets and tokens."""
