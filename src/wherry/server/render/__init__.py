"""Records as Docker's JSON: pure functions, one module per noun. Absent, null and empty differ; here is said which."""
