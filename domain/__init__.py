"""What is true of Callout whatever it is stored in or spoken through.

Frozen values, state tables and pure decisions. Time is an argument; nothing here does I/O.
"""
