"""What a rule's program does around the computation: nothing here decides a result."""
