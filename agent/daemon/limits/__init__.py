"""Who is kept off the internet, from the household's rules: decided by the wall clock, put in force by kernel/."""
