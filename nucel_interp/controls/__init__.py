"""Controls that every claim about sites is held against: place, composition, random weights."""
