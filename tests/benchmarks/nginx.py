"""nginx twice: as the back end, because it is the fastest, and as a proxy with mutual TLS to compare with."""

import os
import shutil
from pathlib import Path

SMALL = '{"account": 1, "balance": "12.50", "currency": "EUR"}' + " " * 200
LARGE_BYTES = 1024 * 1024
PROGRAM = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")

_COMMON = """
daemon off;
worker_processes 1;
pid {folder}/{name}.pid;
{user}
events {{ worker_connections 4096; }}
http {{
  client_body_temp_path {folder}/{name}-body;
  proxy_temp_path {folder}/{name}-proxy;
  fastcgi_temp_path {folder}/{name}-fastcgi;
  uwsgi_temp_path {folder}/{name}-uwsgi;
  scgi_temp_path {folder}/{name}-scgi;
  keepalive_timeout 1h;
  keepalive_time 24h;
  keepalive_requests 1000000000;
  {http}
}}
"""

_BACK_END = """
  access_log off;
  default_type application/json;
  add_header X-Served-By back;
  open_file_cache max=8;
  client_max_body_size 8m;
  client_body_buffer_size 2m;
  ssl_certificate {folder}/server.pem;
  ssl_certificate_key {folder}/server.key;
  ssl_client_certificate {folder}/ca.pem;
  ssl_session_cache shared:sessions:10m;
  upstream itself {{ server unix:{folder}/back-end.sock; keepalive 16; }}
  server {{ listen unix:{folder}/back-end.sock; location / {{ return 200 '{small}'; }} }}
  server {{ listen 127.0.0.1:{port} ssl; ssl_verify_client on; {locations} }}
  server {{ listen 127.0.0.1:{open_port} ssl; {locations} }}
"""

# An upload is read whole, and then answered by a location that does not wait for it.
_LOCATIONS = """
    location / {{ return 404; }}
    location = /accounts {{ return 200 '{small}'; }}
    location /statements/ {{ root {folder}; }}
    location = /uploads {{
      proxy_pass http://itself;
      proxy_http_version 1.1;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
    }}
"""

_PROXY = """
  access_log {folder}/nginx-access.log;
  client_max_body_size 0;
  upstream back_end {{
    server 127.0.0.1:{back_end_port};
    keepalive 256;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }}
  server {{
    listen 127.0.0.1:{port};
    location /bank/ {{
      proxy_pass https://back_end/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host localhost:{back_end_port};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_request_buffering off;
      proxy_buffers 16 64k;
      proxy_max_temp_file_size 0;
      proxy_ssl_certificate {folder}/client.pem;
      proxy_ssl_certificate_key {folder}/client.key;
      proxy_ssl_trusted_certificate {folder}/ca.pem;
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
    }}
  }}
"""


def back_end(folder: Path, port: int, open_port: int) -> list[str]:
    """The command of a back end that demands a client certificate on `port` and none on `open_port`.

    /accounts is small, /statements/1 is LARGE_BYTES, and /uploads takes a body.
    """
    (folder / "statements").mkdir()
    (folder / "statements" / "1").write_bytes(b"x" * LARGE_BYTES)
    locations = _LOCATIONS.format(folder=folder, small=SMALL)
    http = _BACK_END.format(folder=folder, small=SMALL, port=port, open_port=open_port, locations=locations)
    return _command(folder, "back-end", http)


def proxy(folder: Path, port: int, back_end_port: int) -> list[str]:
    """The command of a proxy with one worker, pooled connections to the back end, and an access log."""
    return _command(folder, "nginx", _PROXY.format(folder=folder, port=port, back_end_port=back_end_port))


def _command(folder: Path, name: str, http: str) -> list[str]:
    # Started by root, workers would be another user's, who cannot read the folder.
    user = "" if os.geteuid() else "user root;"
    file = folder / f"{name}.conf"
    file.write_text(_COMMON.format(folder=folder, name=name, user=user, http=http))
    return [str(PROGRAM), "-e", "stderr", "-c", str(file)]
