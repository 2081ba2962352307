"""Records as Docker's JSON: pure functions, one module per noun. Absent, null and empty differ, and it is said here which."""
