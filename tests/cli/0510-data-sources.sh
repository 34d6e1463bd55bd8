#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Data sources, with a scripted web server.
# shellcheck disable=SC2034,SC2154 # used in the texts of tests; set by the libraries
. "${0%/*}/testlib.sh"
. "${0%/*}/cloudlib.sh"

start_server web || exit 1
web=$url
start_server tls --tls "$CERT" "$KEY" || exit 1
tls=$url

# page URL [ARGUMENTS]: a template that asks for it.
page() {
        write_file d/t.pkr.hcl <<-EOF
		data "http" "page" {
		  url = "$1"
		  ${2-}
		}
		locals {
		  body    = data.http.page.body
		  headers = data.http.page.response_headers
		}
		source "null" "a" {
		  communicator = "none"
		}
		build {
		  sources = ["null.a"]
		  provisioner "shell-local" {
		    inline = ["echo 'got \${data.http.page.body}'"]
		  }
		}
		EOF
}

# refused TEXT…: validate asks and says each text.
refused() {
        test_exit 1 ingot validate -evaluate-datasources d >out 2>err && [ ! -s err ] || {
                cat out err
                return 1
        }
        tr -s '\n ' '  ' <out >flat
        for refused_text; do
                grep -F -q -e "$refused_text" flat || { cat out && return 1; }
        done
}

test_expect_success 'a page is read once by build and by inspect, not by validate' '
        page "$web/web/page" && ingot validate d && test_exit 1 requests web /web/page &&
        ingot validate -evaluate-datasources d && [ "$(requests web /web/page)" = 1 ] &&
        ingot inspect d >out && [ "$(requests web /web/page)" = 2 ] &&
        grep "^local.body: \"a page\"\$" out &&
        grep "\"Content-Type.\" = ..text/plain; charset=utf-8" out &&
        ingot build -color=false d >out && [ "$(requests web /web/page)" = 3 ] &&
        grep "null.a: got a page\$" out'

test_expect_success 'several headers of one name are joined' '
        ingot inspect d >out && grep -F "\\\"X-Two\\\" = \\\"1, 2\\\"" out'

test_expect_success 'syntax-only asks nobody' '
        : >"$test_root/web.log" && ingot validate -syntax-only d &&
        [ ! -s "$test_root/web.log" ]'

test_expect_success 'method, headers and body are sent' '
        page "$web/web/echo" "method = \"post\"
		  request_body    = \"a=é\"
		  request_headers = { X-Test = \"yes, \\\"this\\\"\", User-Agent = \"me\" }" &&
        ingot inspect d >out && cat out && grep "POST" out && grep "me" out &&
        grep "a=" out && grep "this" out &&
        tail -n 1 "$test_root/web.log" | jq -e ".headers | has(\"content-type\") | not" &&
        page "$web/web/echo" "method = \"DELETE\"" && ingot inspect d >out && grep DELETE out &&
        page "$web/web/page" "method = \"HEAD\"" && ingot inspect d >out &&
        grep "local.body: \"\"" out'

test_expect_success 'redirects are followed, a busy server is asked again, 2xx is good' '
        page "$web/web/redirect" && INGOT_LOG_PATH=log ingot inspect d >out && grep "moved here" out &&
        grep "http: GET $web/web/redirect gave status 200, [1-9][0-9]* bytes in [0-9.]*s, from $web" log &&
        page "$web/web/busy" && INGOT_LOG_PATH=log ingot inspect d >out && grep "at last" out &&
        grep "http: GET $web/web/busy gave status [45]" log && grep "http: GET $web/web/busy gave status 200" log &&
        page "$web/web/created" && ingot inspect d >out && grep "local.body: \"made\"" out'

test_expect_success 'TLS needs a certificate that is known' '
        page "$tls/web/page" && refused "Error making http request: cannot get" "certificate" &&
        SSL_CERT_FILE=$CERT ingot inspect d >out && grep "local.body: \"a page\"" out'

test_expect_success 'what goes wrong is said with the block' '
        page "$web/web/none" && refused "HTTP request error. Response code: 404" "on d/t.pkr.hcl line 1" &&
        page "$web/web/broken" && refused "HTTP request error. Response code: 500" &&
        page "$web/web/binary" && refused "is not text (image/png)" &&
        page "$web/web/huge" && refused "the response is larger than" &&
        page "$web/web/loop" && refused "Error making http request" &&
        page http://127.0.0.1:1/ && refused "Error making http request: cannot get" &&
        page ftp://127.0.0.1/ && refused "Error making http request" &&
        page "" && refused "the \`url\` must be specified" &&
        page "$web/" "method = \"BREW\"" && refused "the \`method\` must be one of" &&
        page "$web/" "request_headers = { \"a\\nb\" = \"c\" }" && refused "line break"'

test_expect_success 'mistakes of a block are found without asking' '
        page "" && test_exit 1 ingot validate d >out && grep "must be specified" out &&
        page "$web/" "methods = \"GET\"" && test_exit 1 ingot validate d >out &&
        grep "Did you mean \"method\"" out'

test_expect_success 'a failing data source ends a build before it begins' '
        page "$web/web/none" && test_exit 1 ingot build -color=false d >out &&
        grep "Response code: 404" out && ! grep "got" out && test_clean'

test_expect_success 'an interrupt ends a build that waits for an answer' '
        page "$web/web/slow" &&
        { ingot build d >out 2>&1 & } && pid=$! && test_keep_pid $pid &&
        test_wait 20 requests web /web/slow && kill -TERM $pid &&
        { wait $pid; [ $? != 0 ]; } && test_ended $pid && test_clean'

test_expect_success 'null gives back its input, unknown types are named' '
        write_file n/t.pkr.hcl <<-\EOF &&
	data "null" "a" {
	  input = "in"
	}
	data "null" "none" {
	}
	locals {
	  x = "${data.null.a.output}/${data.null.none.output}/${length(data.null)}"
	}
	EOF
        ingot inspect n >out && grep "local.x: \"in//2\"" out &&
        echo "data \"nul\" \"x\" {}" >n/u.pkr.hcl && test_exit 1 ingot validate n >out &&
        grep "Unknown data type nul" out && grep "known data sources: \[http null\]" out &&
        grep "Did you mean to use \"null\"?" out'

test_done
