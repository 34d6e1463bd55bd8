#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts the site in its place and closes what a web server does not need.
set -eu

install -m 0644 /tmp/index.html /var/www/html/index.html
install -m 0644 /tmp/default.conf /etc/nginx/sites-available/default
rm -f /tmp/index.html /tmp/default.conf /var/www/html/index.nginx-debian.html
nginx -t -q

cat >/etc/ssh/sshd_config.d/90-hardening.conf <<'EOF'
PermitRootLogin no
PasswordAuthentication no
X11Forwarding no
MaxAuthTries 3
EOF
sshd -t

cat >/etc/sysctl.d/90-hardening.conf <<'EOF'
kernel.dmesg_restrict = 1
kernel.kptr_restrict = 2
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv6.conf.all.accept_redirects = 0
EOF

systemctl --quiet enable nginx

# Nothing of the build stays in the image.
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/nginx/*
truncate -s 0 /etc/machine-id
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /var/lib/systemd/random-seed
sync
fstrim / 2>/dev/null || true
