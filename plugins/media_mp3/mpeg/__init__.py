"""MPEG audio: headers, frames and length."""
