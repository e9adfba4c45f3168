"""What makes drawing with matplotlib quick; imported only when pictures are drawn."""
