"""What only the book's pages need: figures with captions, the widget, maps of the emotion space."""
