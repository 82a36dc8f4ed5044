"""From pixels to tracked faces: detector, search, motion, tracker, reader, crops."""
