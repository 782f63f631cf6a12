#!/bin/sh
# Writes the demo's nginx configuration to standard output: one origin on loopback in front of the two sockets.
# usage: nginx_demo.sh RUN_DIR PORT    writes it
#        nginx_demo.sh run RUN_DIR     runs nginx with RUN_DIR/nginx.conf in the foreground
set -eu
[ $# -eq 2 ] || { echo "usage: nginx_demo.sh RUN_DIR PORT | run RUN_DIR" >&2; exit 2; }
if [ "$1" = run ]; then
    log=''
    # before it reads its configuration nginx opens a log that only root may write; older ones cannot be told another
    nginx -h 2>&1 | grep -q -- ' -e ' && log=$2/nginx-error.log
    exec nginx ${log:+-e "$log"} -c "$2/nginx.conf" -g "daemon off;"
fi
RUN_DIR=$1
PORT=$2
[ "$(id -u)" = 0 ] && echo "user root;"
cat <<CONF
worker_processes 1;
pid $RUN_DIR/nginx.pid;
error_log $RUN_DIR/nginx-error.log warn;
events { worker_connections 512; }
http {
    access_log off;
    server_tokens off;
    default_type application/octet-stream;
    client_body_temp_path $RUN_DIR/nginx-body;
    proxy_temp_path $RUN_DIR/nginx-proxy;
    fastcgi_temp_path $RUN_DIR/nginx-fastcgi;
    uwsgi_temp_path $RUN_DIR/nginx-uwsgi;
    scgi_temp_path $RUN_DIR/nginx-scgi;
    client_max_body_size 5m;
    keepalive_timeout 65s;
    gzip on;
    gzip_types text/css application/javascript text/javascript image/svg+xml;

    upstream web { server unix:$RUN_DIR/web.sock; }
    upstream live { server unix:$RUN_DIR/live.sock; }

    server {
        listen 127.0.0.1:$PORT;
        # the browser's own words, with the port, so that the portal can compare origins
        proxy_set_header Host \$http_host;
        proxy_set_header X-Forwarded-For \$remote_addr;
        proxy_http_version 1.1;
        proxy_set_header Connection "";

        location / {
            proxy_pass http://web;
            proxy_read_timeout 60s;
        }
        location = /live/ {
            proxy_pass http://live;
            proxy_buffering off;
            gzip off;
            proxy_read_timeout 900s;
        }
    }
}
CONF
