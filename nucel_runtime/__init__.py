"""How a process starts, fails and ends. Every package imports this before it imports torch."""

from nucel_runtime.threads import wait_passively

wait_passively()
