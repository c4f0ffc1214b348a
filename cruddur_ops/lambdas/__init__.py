"""What runs on AWS Lambda: each module stands alone in its zip, and imports nothing of this package."""
