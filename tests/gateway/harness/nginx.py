"""A real nginx in front of a gateway."""
import os
import subprocess

from . import process
from .http_client import Connection
from .wait import until

_CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream gateway {{ server 127.0.0.1:{gateway_port}; keepalive 4; }}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  server {{
    listen 127.0.0.1:{port};
    underscores_in_headers {underscores};
    ignore_invalid_headers {ignore_invalid};
    chunked_transfer_encoding off;
    location ~ /cancel$ {{ return 403; }}
    location / {{
      proxy_pass http://gateway;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_request_buffering {buffering};
      proxy_read_timeout 1h;
    }}
  }}
}}
"""


class Nginx:
    """Lets nobody cancel, so that a cancelled job is one whose request it did not see. `buffering`: whether bodies are read whole before they are passed on;
    `lenient`: whether odd headers are passed on too."""

    def __init__(self, folder, gateway_port, buffering=True, lenient=False):
        os.makedirs(folder)
        self.port = process.free_port()
        self.address = ("127.0.0.1", self.port)
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(_CONFIG.format(folder=folder, port=self.port, gateway_port=gateway_port, buffering="on" if buffering else "off",
                                      underscores="on" if lenient else "off", ignore_invalid="off" if lenient else "on"))
        self.process = process.start(["nginx", "-c", path, "-p", folder], os.path.join(folder, "nginx.log"))
        until(self._answers, "nginx to answer")

    def _answers(self):
        assert self.process.poll() is None, "nginx ended"
        try:
            self.connect().close()
            return True
        except ConnectionError:
            return False

    def connect(self, **options):
        return Connection(self.address, **options)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill(self.process)
