"""What can be done, one file or folder each: review, test-gen, docgen."""
