"""Addresses as people write them, right and wrong, each with what may be shown of it."""

from __future__ import annotations

SECRETS = ("hush", "S3cret", "4711")
"""Parts of what the addresses below must not show."""

SHOWN = {
    # Right, without a secret.
    "auto": "auto",
    "testcard": "testcard",
    "picamera2:1": "picamera2:1",
    "/dev/video0": "/dev/video0",
    "clips/my party.mp4": "clips/my party.mp4",
    "/home/me@home/a#1.mkv": "/home/me@home/a#1.mkv",
    "mqtt://broker": "mqtt://broker",
    "mqtts://broker.local:8884/": "mqtts://broker.local:8884/",
    "mqtt://[fe80::1%eth0]:1883": "mqtt://[fe80::1%eth0]:1883",
    "rtsp://10.0.0.7:554": "rtsp://10.0.0.7:554",
    # Right, with one.
    "rtsp://admin:hush@cam": "rtsp://…@cam",
    "RTSP://admin:hush@cam/": "RTSP://…@cam/",
    "rtsp://admin:hush@[::1]:554/live": "rtsp://…@[::1]:554/…",
    "rtsp://cam:8554/user=admin&password=hush&channel=1.sdp": "rtsp://cam:8554/…",
    "rtsp://cam:7447/S3cretT0ken": "rtsp://cam:7447/…",
    "http://cam/live?user=admin&password=hush": "http://cam/…",
    "http://cam?password=hush": "http://cam?…",
    "http://cam/#hush": "http://cam/…",
    "https://hooks.example.com/services/T0/S3cret": "https://hooks.example.com/…",
    "mqtt://S3cretT0ken@broker": "mqtt://…@broker",
    "mqtt://me%40home.org:hush@broker:1883": "mqtt://…@broker:1883",
    "mqtt://me:hush@broker\n": "mqtt://…@broker",
    # With characters that have to be escaped and are not.
    "rtsp://admin:p@S3cret#1@cam/live": "rtsp://…",
    "rtsp://admin:p@hush@cam/live": "rtsp://…@cam/…",
    "rtsp://admin:4711/x@cam/live": "rtsp://…",
    "rtsp://admin:4711/x%40cam": "rtsp://…",
    "rtsp://admin:hush?x@cam": "rtsp://…",
    "rtsp://admin:hu:hush@cam": "rtsp://…@cam",
    "rtsp://admin:my hush@cam": "rtsp://…@cam",
    "rtsp://admin:hush\\x@cam": "rtsp://…",
    "mqtt://me:hush#x": "mqtt://…",
    "mqtt://me:hush": "mqtt://…",
    "mqtt://broker:65536": "mqtt://…",
    "mqtt://broker:\uff14": "mqtt://…",  # a digit, but not for a port
    "rtsp://[admin:hush@cam/live": "rtsp://…@cam/…",
    "rtsp://admin:hush@": "rtsp://…",
    # With the scheme written wrong, or not at all.
    "rtsp:/admin:hush@cam": "…",
    "rtsp:admin:hush@cam": "…",
    "rtsp//admin:hush@cam": "…",
    "rstp://admin:hush@cam": "rstp://…@cam",
    "rtsp://rtsp://admin:hush@cam": "rtsp://…",
    "admin:hush@rtsp://cam": "…",
    "rtsp://admin:x!hush://@cam": "rtsp://…",
    "admin:hush://@cam": "…",
    "rtsp:admin:hush://@cam": "…",
    "rtsp//hush://@cam": "…",
    "admin:'hush://@cam/live": "…",
    "admin:hush@cam": "…",
    "admin:hush": "…",
    "//admin:hush@cam/live": "…",
    "/admin:hush@cam/live": "…",
    "/live?password=hush": "…",
    "cam/user=admin&password=hush": "…",
}
