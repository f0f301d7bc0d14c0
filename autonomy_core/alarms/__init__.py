"""What a person has to look at, because no job can put it right: kept until it is right, or is cleared."""
