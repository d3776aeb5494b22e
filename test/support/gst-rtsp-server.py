#!/usr/bin/python3
"""GStreamer's RTSP server as an independent peer: serves /live, prints its port, ends when standard input closes.

Usage: gst-rtsp-server.py PATH-OF-MP4 [USER PASSWORD basic|md5] [udp]
The file holds H.264, and sound as AAC where it has any; it is sent again and again. `udp` offers no TCP transport.
"""
import sys
import threading

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstRtsp', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

Gst.init(None)
path = sys.argv[1]
has_sound = 'sound' in sys.argv
server = GstRtspServer.RTSPServer.new()
server.set_address('127.0.0.1')
server.set_service('0')

factory = GstRtspServer.RTSPMediaFactory.new()
launch = f'( filesrc location="{path}" ! qtdemux name=demux demux. ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1'
if has_sound:
    launch += ' demux. ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97'
factory.set_launch(launch + ' )')
factory.set_shared(True)
factory.set_protocols(
    GstRtsp.RTSPLowerTrans.UDP if 'udp' in sys.argv else GstRtsp.RTSPLowerTrans.TCP)

if len(sys.argv) > 4 and sys.argv[4] in ('basic', 'md5'):
    user, password, method = sys.argv[2:5]
    auth = GstRtspServer.RTSPAuth.new()
    auth.set_supported_methods(
        GstRtsp.RTSPAuthMethod.BASIC if method == 'basic' else GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string('media.factory.role', 'user')
    if method == 'basic':
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.add_digest(user, password, token)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role('user', 'media.factory.access', True)
    permissions.add_permission_for_role('user', 'media.factory.construct', True)
    factory.set_permissions(permissions)
    server.set_auth(auth)

server.get_mount_points().add_factory('/live', factory)
if server.attach(None) == 0:
    sys.exit('cannot listen')

loop = GLib.MainLoop()
threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
print(server.get_bound_port(), flush=True)
loop.run()
