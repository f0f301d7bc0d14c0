"""Customers: who buys from an organisation. How they prove who they are is a plugin's business."""
