"""Dhan over REST: the official client, and around it what it leaves out."""
