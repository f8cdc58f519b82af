"""What is known of each programming language, one file each."""
