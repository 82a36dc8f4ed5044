"""Tracks of faces, made of stills: what memory over frames is trained and evaluated on.

A track is what a camera sees of one face in some seconds. No data set of ours has any, so they are made up of the faces
of FER2013: see `train.tracks.stills`. Each split's tracks are of its own faces alone.
"""
