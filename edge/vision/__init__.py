"""From pixels to tracked faces: detector, search, motion, tracker, crops."""
