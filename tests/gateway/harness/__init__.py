"""What the end-to-end tests share: servers to start, and clients that show every byte."""
