"""What the library says about itself, and how its own records are told from the application's."""
