"""The rules of batching, delivery and accounting. Pure: time is an argument; no asyncio, thread, socket or clock."""
