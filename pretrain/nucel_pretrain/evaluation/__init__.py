"""What a pre-trained model is worth on sequence it has never seen."""
