#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The functions that ask Consul, Vault and AWS Secrets Manager, with a server that plays these.
# shellcheck disable=SC2034,SC2154 # used in the texts of tests; set by the libraries
. "${0%/*}/testlib.sh"
. "${0%/*}/cloudlib.sh"

start_server plain || exit 1
plain=$url
start_server tls --tls "$CERT" "$KEY" || exit 1
tls=$url
start_server mutual --tls "$CERT" "$KEY" --client-ca "$CERT" || exit 1
mutual=$url
start_server unix --unix "$test_root/consul.sock" || exit 1
unix=$url

# ---- Consul -----------------------------------------------------------------------------

test_expect_success 'consul_key reads a key' '
        export CONSUL_HTTP_ADDR=$plain &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        [ "$(value "consul_key(\"/app/utf8\")")" = "\"é\"" ] &&
        [ "$(value "consul_key(\"a b?c\")")" = "\"odd\"" ] &&
        grep -q "/v1/kv/a%20b%3Fc" "$test_root/plain.log"'

test_expect_success 'consul_key takes addresses of every form' '
        CONSUL_HTTP_ADDR=${plain#http://} && export CONSUL_HTTP_ADDR &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        CONSUL_HTTP_ADDR=$unix &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        export CONSUL_HTTP_ADDR=${tls#https://} CONSUL_HTTP_SSL=1 CONSUL_CACERT=$CERT &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        CONSUL_HTTP_ADDR=$tls && unset CONSUL_HTTP_SSL CONSUL_CACERT &&
        fails "consul_key(\"app/version\")" "certificate" &&
        export CONSUL_HTTP_SSL_VERIFY=false &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        export CONSUL_HTTP_ADDR=$mutual CONSUL_CLIENT_CERT=$CERT CONSUL_CLIENT_KEY=$KEY &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        unset CONSUL_CLIENT_CERT CONSUL_CLIENT_KEY &&
        fails "consul_key(\"app/version\")" "error reading consul key" &&
        unset CONSUL_HTTP_SSL_VERIFY'

test_expect_success 'a certificate may be of another name than the address' '
        export CONSUL_HTTP_ADDR=https://[::ffff:127.0.0.1]:${tls##*:} CONSUL_CACERT=$CERT &&
        fails "consul_key(\"app/version\")" "certificate subject name" &&
        export CONSUL_TLS_SERVER_NAME=localhost &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        [ "$(tail -n 1 "$test_root/tls.log" | jq -r .headers.host)" = "[::ffff:127.0.0.1]:${tls##*:}" ] &&
        CONSUL_TLS_SERVER_NAME=elsewhere &&
        fails "consul_key(\"app/version\")" "certificate subject name" &&
        unset CONSUL_TLS_SERVER_NAME CONSUL_CACERT'

test_expect_success 'servers elsewhere are asked through a proxy, those on this host are not' '
        export http_proxy=$plain CONSUL_HTTP_ADDR=http://consul.example:8500 &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        [ "$(tail -n 1 "$test_root/plain.log" | jq -r .headers.host)" = consul.example:8500 ] &&
        export http_proxy=http://127.0.0.1:1 CONSUL_HTTP_ADDR=$plain &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] &&
        unset http_proxy && export HTTP_PROXY=$plain CONSUL_HTTP_ADDR=consul.example:8500 &&
        [ "$(value "consul_key(\"app/version\")")" = "\"1.2.3\"" ] && unset HTTP_PROXY'

test_expect_success 'consul_key presents tokens, logins and namespaces' '
        export CONSUL_HTTP_ADDR=$plain &&
        fails "consul_key(\"app/secret\")" \
                "error reading consul key: Unexpected response code: 403 (Permission denied)" &&
        export CONSUL_HTTP_TOKEN=the-consul-token &&
        [ "$(value "consul_key(\"app/secret\")")" = "\"value of app/secret\"" ] &&
        echo the-consul-token >token &&
        export CONSUL_HTTP_TOKEN=wrong CONSUL_HTTP_TOKEN_FILE=token &&
        [ "$(value "consul_key(\"app/secret\")")" = "\"value of app/secret\"" ] &&
        CONSUL_HTTP_TOKEN_FILE=nowhere &&
        fails "consul_key(\"app/secret\")" "error getting consul client" "nowhere" &&
        unset CONSUL_HTTP_TOKEN CONSUL_HTTP_TOKEN_FILE &&
        export CONSUL_HTTP_AUTH=ada:love:lace CONSUL_NAMESPACE="a team" &&
        [ "$(value "consul_key(\"app/auth\")")" = "\"value of app/auth\"" ] &&
        [ "$(value "consul_key(\"app/team\")")" = "\"in a team\"" ] &&
        unset CONSUL_HTTP_AUTH CONSUL_NAMESPACE'

test_expect_success 'consul_key says what is wrong' '
        export CONSUL_HTTP_ADDR=$plain &&
        fails "consul_key(\"app/none\")" "Call to function \"consul_key\" failed: key does not" \
                "exist at the given path: app/none" &&
        fails "consul_key(\"app/empty\")" "value is empty at path app/empty" &&
        fails "consul_key(\"app/garbage\")" "error reading consul key: the answer is not JSON" &&
        fails "consul_key(\"app/array\")" "the answer is not a list of keys" &&
        fails "consul_key(\"app/broken\")" "Unexpected response code: 500 (it broke)" &&
        fails "consul_key(\"app/huge\")" "the response is larger than" &&
        fails "consul_key(\"app/loop\")" "stopped after 10 redirects" &&
        CONSUL_HTTP_ADDR=ftp://x &&
        fails "consul_key(\"x\")" "error getting consul client: Unknown protocol scheme: ftp" &&
        CONSUL_HTTP_ADDR=127.0.0.1:1 &&
        fails "consul_key(\"x\")" "error reading consul key: cannot get" "http://127.0.0.1:1/v1/kv/x" &&
        CONSUL_HTTP_ADDR=$plain CONSUL_CACERT=/nowhere && export CONSUL_CACERT &&
        fails "consul_key(\"x\")" "error getting consul client: Error loading CA File" &&
        unset CONSUL_CACERT'

test_expect_success 'a busy or redirecting Consul is asked again' '
        export CONSUL_HTTP_ADDR=$plain &&
        write_file busy/t.pkr.hcl <<-EOF &&
	locals {
	  x = consul_key("app/busy")
	  y = consul_key("app/redirect")
	}
	EOF
        ingot inspect busy >out && grep "local.x: \"value of app/busy\"" out &&
        grep "local.y: \"value of app/moved\"" out &&
        [ "$(requests plain /v1/kv/app/busy)" = 2 ]'

# ---- Vault ------------------------------------------------------------------------------

test_expect_success 'vault reads both versions of the engine' '
        export VAULT_ADDR=$plain VAULT_TOKEN=s.the-vault-token &&
        write_file v/t.pkr.hcl <<-\EOF &&
	locals {
	  v2 = vault("/secret/data/app", "password") == "v2-password"
	  v1 = vault("kv1/app", "password") == "v1-password"
	  d  = vault("kv1/data", "data") == "a field called data"
	  k2 = vault_kv("secret/app", "password") == "v2-password"
	  kd = vault_kv("/secret/data/app", "password") == "v2-password"
	  k1 = vault_kv("kv1/app", "password") == "v1-password"
	}
	EOF
        ingot inspect v >out && cat out && [ "$(grep -c "\"true\"" out)" = 6 ]'

test_expect_success 'what vault gives is never printed' '
        write_file v/t.pkr.hcl <<-\EOF &&
	locals {
	  x = vault("secret/data/app", "password")
	}
	source "null" "a" {
	  communicator = "none"
	}
	build {
	  sources = ["null.a"]
	  provisioner "shell-local" {
	    inline = ["echo local ${local.x}", "echo late ${vault("kv1/app", "password")}"]
	  }
	}
	EOF
        ingot build -color=false v >out 2>err && cat out &&
        ! grep -q "v[12]-password" out err && grep "late <sensitive>" out'

test_expect_success 'vault presents namespaces and follows one redirect with its token' '
        export VAULT_NAMESPACE=team &&
        write_file v/t.pkr.hcl <<-\EOF &&
	locals {
	  n = vault("secret/data/team", "password") == "in team"
	  r = vault("secret/data/redirect", "password") == "at last"
	  b = vault("secret/data/busy", "password") == "at last"
	}
	EOF
        ingot inspect v >out && cat out && [ "$(grep -c "\"true\"" out)" = 3 ] &&
        unset VAULT_NAMESPACE && fails "vault(\"secret/loop\", \"x\")" "stopped after 1 redirects"'

test_expect_success 'vault says what is wrong' '
        fails "vault(\"secret/none\", \"x\")" "Vault Secret does not exist at the given path" &&
        fails "vault(\"secret/data/app\", \"x\")" \
                "Vault path does not contain the requested key" &&
        fails "vault(\"secret/data/app\", \"port\")" "the Vault value of key port is not a string" &&
        fails "vault(\"kv1/empty\", \"x\")" "Vault data was empty at the given path. Check the" \
                "functions/contextual/vault. Original warnings from Vault call: Invalid path for" &&
        fails "vault(\"secret/data/deleted\", \"x\")" "Vault data was empty at the given path." &&
        fails "vault(\"secret/forbidden\", \"x\")" \
                "Error reading vault secret: Error making API request. URL: GET" \
                "/v1/secret/forbidden Code: 403. Errors: * permission denied" &&
        fails "vault(\"secret/broken\", \"x\")" "Code: 500. Raw Message: it broke" &&
        fails "vault(\"secret/garbage\", \"x\")" "Error reading vault secret: the answer is not JSON" &&
        fails "vault(\"secret/array\", \"x\")" "Error reading vault secret: the answer is not an object" &&
        fails "vault(\"secret/huge\", \"x\")" "the response is larger than" &&
        export VAULT_CLIENT_TIMEOUT=200ms VAULT_MAX_RETRIES=0 &&
        fails "vault(\"secret/slow\", \"x\")" "Error reading vault secret: cannot get" "timed out" &&
        VAULT_ADDR=http://127.0.0.1:1 &&
        fails "vault(\"x\", \"y\")" "Error reading vault secret: cannot get" &&
        VAULT_ADDR=$tls VAULT_MAX_RETRIES=some &&
        fails "vault(\"x\", \"y\")" "could not parse VAULT_MAX_RETRIES" &&
        unset VAULT_MAX_RETRIES && export VAULT_SKIP_VERIFY=perhaps &&
        fails "vault(\"x\", \"y\")" "Error getting Vault client: error encountered setting up" \
                "default configuration: could not parse VAULT_SKIP_VERIFY" &&
        unset VAULT_SKIP_VERIFY VAULT_CLIENT_TIMEOUT &&
        fails "vault(\"secret/data/app\", \"password\")" "certificate" &&
        export VAULT_CACERT=$CERT &&
        fails "vault(\"secret/downgrade\", \"x\")" "redirect would cause protocol downgrade" &&
        value "vault(\"secret/data/app\", \"password\")" &&
        unset VAULT_CACERT VAULT_TOKEN &&
        fails "vault(\"x\", \"y\")" \
                "Must set VAULT_TOKEN env var in order to use vault template function" &&
        ! grep -q "s.the-vault-token" out'

test_expect_success 'an interrupt ends a build that waits for Vault' '
        export VAULT_ADDR=$plain VAULT_TOKEN=s.the-vault-token &&
        write_file v/t.pkr.hcl <<-\EOF &&
	source "null" "a" {
	  communicator = "none"
	}
	build {
	  sources = ["null.a"]
	  provisioner "shell-local" {
	    inline = ["echo ${vault("secret/data/later", "password")}"]
	  }
	}
	EOF
        { ingot build -color=false v >out 2>&1 & } && pid=$! && test_keep_pid $pid &&
        test_wait 20 eval "[ \"\$(requests plain /secret/data/later)\" = 2 ]" &&
        kill -INT $pid && test_wait 10 test_ended $pid &&
        { cat out; grep "Cleanly cancelled builds after being interrupted" out; } && test_clean'

# ---- AWS --------------------------------------------------------------------------------

aws() {
        write_file aws/t.pkr.hcl <<-\EOF &&
	locals {
	  one   = aws_secretsmanager("one", null) == "battery staple"
	  empty = aws_secretsmanager("one", "") == "battery staple"
	  key   = aws_secretsmanager("two", "password") == "tr0ub4dor"
	  port  = aws_secretsmanager("two", "port") == "5432"
	  plain = aws_secretsmanager("plain", null) == "correct horse"
	  raw   = jsondecode(aws_secretsmanager_raw("two")).user == "ada"
	}
	EOF
        ingot inspect aws >out && cat out && [ "$(grep -c "\"true\"" out)" = 6 ]
}

test_expect_success 'aws_secretsmanager signs with the keys of the environment' '
        export AWS_ENDPOINT_URL=$plain/ AWS_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true \
                AWS_ACCESS_KEY_ID=AKIDENV AWS_SECRET_ACCESS_KEY=env-secret && aws'

test_expect_success 'aws_secretsmanager_raw and its texts are never printed' '
        value "aws_secretsmanager_raw(\"two\")" >out && cat out && ! grep -q "ada\|tr0ub4dor" out'

test_expect_success 'a wrong key, session or region is refused by the server' '
        AWS_SECRET_ACCESS_KEY=other &&
        fails "aws_secretsmanager(\"one\", null)" "InvalidSignatureException: The request signature" \
                "status code: 400, request id: 7a1b-42" &&
        AWS_SECRET_ACCESS_KEY=env-secret AWS_REGION=us-east-1 &&
        fails "aws_secretsmanager(\"one\", null)" "scoped to a valid region, not" &&
        AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=AKIDNONE &&
        fails "aws_secretsmanager(\"one\", null)" "UnrecognizedClientException" &&
        AWS_ACCESS_KEY_ID=AKIDENV && ! grep -q env-secret out'

test_expect_success 'aws_secretsmanager says what is wrong' '
        fails "aws_secretsmanager(\"none\", null)" "ResourceNotFoundException: Secrets Manager can" &&
        fails "aws_secretsmanager(\"denied\", null)" "AccessDeniedException: User is not authorized" &&
        fails "aws_secretsmanager(\"binary\", null)" "Secret is not string" &&
        fails "aws_secretsmanager(\"two\", null)" "Secret has multiple values and no key was set" &&
        fails "aws_secretsmanager(\"two\", \"none\")" "No secret found for key \"none\"" &&
        fails "aws_secretsmanager(\"two\", \"ok\")" "Unsupported secret value type" &&
        fails "aws_secretsmanager(\"\", null)" "At least one secret name must be provided" &&
        fails "aws_secretsmanager_raw(\"\")" "At least one secret name must be provided" &&
        fails "aws_secretsmanager(\"garbage\", null)" "the answer is not JSON" &&
        fails "aws_secretsmanager(\"huge\", null)" "the response is larger than" &&
        fails "aws_secretsmanager(\"flooded\", null)" "ThrottlingException: Rate exceeded" &&
        AWS_ENDPOINT_URL=$tls &&
        fails "aws_secretsmanager(\"one\", null)" "RequestError: send request failed" "certificate" &&
        export AWS_CA_BUNDLE=$CERT && value "aws_secretsmanager(\"one\", null)" &&
        unset AWS_CA_BUNDLE && AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_MAX_ATTEMPTS=1 &&
        export AWS_MAX_ATTEMPTS && fails "aws_secretsmanager(\"one\", null)" "RequestError" &&
        unset AWS_MAX_ATTEMPTS && AWS_ENDPOINT_URL=$plain'

test_expect_success 'throttled and busy requests are made again' '
        write_file busy/t.pkr.hcl <<-\EOF &&
	locals {
	  a = aws_secretsmanager("throttled", null) == "after a while"
	  b = aws_secretsmanager("busy", null) == "after a while"
	}
	EOF
        ingot inspect busy >out && cat out && [ "$(grep -c "\"true\"" out)" = 2 ]'

test_expect_success 'region and keys come from the shared files' '
        unset AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY &&
        fails "aws_secretsmanager(\"one\", null)" \
                "MissingRegion: could not find region configuration" &&
        write_file "$HOME/.aws/config" <<-\EOF &&
	# shared
	[default]
	region = eu-central-1   ; where

	[profile work]
	region=eu-central-1
	[profile role]
	region = eu-central-1
	role_arn = arn:aws:iam::123456789012:role/reader
	source_profile = work
	[profile stranger]
	region = eu-central-1
	role_arn = arn:aws:iam::123456789012:role/writer
	source_profile = work
	[profile lonely]
	region = eu-central-1
	role_arn = arn:aws:iam::123456789012:role/reader
	[profile a]
	region = eu-central-1
	role_arn = x
	source_profile = b
	[profile b]
	role_arn = x
	source_profile = a
	[profile process]
	region = eu-central-1
	credential_process = cat keys.json
	[profile env]
	region = eu-central-1
	role_arn = arn:aws:iam::123456789012:role/reader
	credential_source = Environment
	[profile browser]
	region = eu-central-1
	sso_session = corp
	[sso-session corp]
	sso_region = eu-central-1
	EOF
        fails "aws_secretsmanager(\"one\", null)" \
                "NoCredentialProviders: no valid providers in chain" &&
        write_file "$HOME/.aws/credentials" <<-\EOF &&
	[default]
	aws_access_key_id = AKIDFILE
	aws_secret_access_key = file-secret
	s3 =
	  signature_version = s3v4
	[work]
	AWS_ACCESS_KEY_ID=AKIDFILE
	aws_secret_access_key = file-secret
	EOF
        aws && export AWS_PROFILE=work && aws && AWS_PROFILE=nobody AWS_REGION=eu-central-1 &&
        export AWS_REGION &&
        fails "aws_secretsmanager(\"one\", null)" "failed to get profile, nobody" && unset AWS_REGION'

test_expect_success 'roles are assumed' '
        AWS_PROFILE=role && aws && requests plain "Action=AssumeRole&" &&
        AWS_PROFILE=stranger &&
        fails "aws_secretsmanager(\"one\", null)" \
                "cannot assume role" "AccessDenied: not for you & yours" &&
        AWS_PROFILE=lonely && fails "aws_secretsmanager(\"one\", null)" "without source_profile" &&
        AWS_PROFILE=a && fails "aws_secretsmanager(\"one\", null)" "goes in a circle" &&
        AWS_PROFILE=browser && fails "aws_secretsmanager(\"one\", null)" "SSO" &&
        AWS_PROFILE=env && fails "aws_secretsmanager(\"one\", null)" "no credentials to assume"'

test_expect_success 'credentials come from a process' '
        AWS_PROFILE=process && write_file keys.json <<-\EOF &&
	{"Version": 1, "AccessKeyId": "AKIDPROC", "SecretAccessKey": "process-secret"}
	EOF
        aws && echo "{}" >keys.json &&
        fails "aws_secretsmanager(\"one\", null)" "error in credential_process" &&
        unset AWS_PROFILE && rm -r "$HOME/.aws"'

test_expect_success 'credentials come from a web identity' '
        echo a.web.token >identity && export AWS_REGION=eu-central-1 \
                AWS_WEB_IDENTITY_TOKEN_FILE=identity \
                AWS_ROLE_ARN=arn:aws:iam::123456789012:role/reader && aws &&
        echo other >identity &&
        fails "aws_secretsmanager(\"one\", null)" "InvalidIdentityToken: The token is wrong." &&
        unset AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN'

test_expect_success 'credentials come from a container' '
        export AWS_CONTAINER_CREDENTIALS_FULL_URI=$plain/container/keys \
                AWS_CONTAINER_AUTHORIZATION_TOKEN=container-token && aws &&
        AWS_CONTAINER_AUTHORIZATION_TOKEN=wrong &&
        fails "aws_secretsmanager(\"one\", null)" \
                "cannot get the credentials of the container: status code 401" &&
        AWS_CONTAINER_CREDENTIALS_FULL_URI=http://example.com/keys &&
        fails "aws_secretsmanager(\"one\", null)" "invalid endpoint host" &&
        unset AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN'

test_expect_success 'credentials and region come from the instance' '
        unset AWS_REGION AWS_EC2_METADATA_DISABLED &&
        export AWS_EC2_METADATA_SERVICE_ENDPOINT=$plain/ && aws &&
        requests plain "latest/api/token" &&
        AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1 &&
        fails "aws_secretsmanager(\"one\", null)" "MissingRegion"'

test_done
