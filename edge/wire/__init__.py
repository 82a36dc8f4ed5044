"""What goes over the wire: messages, topics, and the schemas generated from them."""
