"""What people look at: pictures (matplotlib) and tables (rich)."""
