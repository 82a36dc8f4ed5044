"""The preview: a page on which the device's owner sees what the camera sees. The one way in which a picture leaves."""
