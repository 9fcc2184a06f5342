"""Has no test."""
