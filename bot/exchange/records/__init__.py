"""Records a child can carry: of health and of school, as a file, on paper and in codes; and such records read again."""
