# A web server of the tests' own: Debian's nginx, with WebDAV, at a port of 127.0.0.1 that is free. nginx_start FOLDER serves
# FOLDER/www: /hpx takes and gives, /secret only to the user "hpx" with the password "geheim", /token only to the bearer of
# "sesame". It sets nginx_url; nginx_stop ends it. Works as root and as any other user. nginx_start FOLDER tls does it by https,
# with a certificate that nobody knows, and needs openssl.

nginx_needs() { # what is missing, or nothing
    PATH=$PATH:/usr/sbin command -v nginx >/dev/null || echo nginx
}

nginx_start() { # FOLDER [tls]
    nginx=$1
    local try as_root='' scheme=http
    mkdir -p "$nginx/www/hpx" "$nginx/www/secret" "$nginx/www/token" "$nginx/tmp"
    echo 'hpx:{PLAIN}geheim' >"$nginx/users"
    [[ $(id -u) -ne 0 ]] || as_root='user root;'
    if [[ ${2-} == tls ]]; then
        scheme=https
        openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -days 2 \
            -keyout "$nginx/tls.key" -out "$nginx/tls.crt" 2>"$nginx/out" || return 1
    fi
    for try in {1..20}; do
        nginx_port=$((20000 + RANDOM % 10000))
        nginx_write_conf "$as_root" "$scheme"
        PATH=$PATH:/usr/sbin nginx -e "$nginx/error.log" -p "$nginx" -c "$nginx/nginx.conf" </dev/null >"$nginx/out" 2>&1 &
        nginx_pid=$!
        if nginx_wait; then
            nginx_url=$scheme://127.0.0.1:$nginx_port
            return
        fi
        nginx_stop
    done
    cat "$nginx/error.log" "$nginx/out"
    return 1
}

nginx_write_conf() { # WHO SCHEME
    local tls='' certificate=''
    [[ $2 == http ]] || tls=' ssl http2' certificate="ssl_certificate $nginx/tls.crt; ssl_certificate_key $nginx/tls.key;"
    cat >"$nginx/nginx.conf" <<CONF
$1
daemon off;
worker_processes 1;
pid $nginx/pid;
events { worker_connections 256; }
http {
    access_log $nginx/access.log;
    client_body_temp_path $nginx/tmp;
    proxy_temp_path $nginx/tmp;
    fastcgi_temp_path $nginx/tmp;
    uwsgi_temp_path $nginx/tmp;
    scgi_temp_path $nginx/tmp;
    client_max_body_size 0;
    server {
        listen 127.0.0.1:$nginx_port$tls;
        $certificate
        root $nginx/www;
        dav_methods PUT;
        create_full_put_path on;
        location /secret/ { auth_basic hpx; auth_basic_user_file $nginx/users; }
        location /token/ { if (\$http_authorization != "Bearer sesame") { return 401; } }
    }
}
CONF
}

nginx_wait() { # until it listens, or has ended
    local i
    for ((i = 0; i < 600; i++)); do
        kill -0 "$nginx_pid" 2>/dev/null || return 1
        [[ -s $nginx/pid ]] && (exec 3<>"/dev/tcp/127.0.0.1/$nginx_port") 2>/dev/null && return 0
        sleep 0.1
    done
    return 1
}

nginx_stop() { # also one that was suspended
    kill "$nginx_pid" 2>/dev/null
    kill -CONT "$nginx_pid" 2>/dev/null
    wait "$nginx_pid" 2>/dev/null
}
