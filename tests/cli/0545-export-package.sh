#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an OVA says, who may sign it, and what is wrong is told before anything runs. The disk is a file of
# the file builder; disks of guests are in tests/integration.
# shellcheck disable=SC2016,SC2154
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

for tool in openssl python3 qemu-img qemu-nbd; do
        command -v "$tool" >/dev/null || test_skip_all "no $tool"
done

head -c 1048576 /dev/urandom >d.raw
truncate -s 5M d.raw
printf 'You & we: 1 < 2.\n' >eula.txt
openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.crt -subj /CN=test 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.key -out ec.crt \
        -subj /CN=test 2>/dev/null
openssl ec -in ec.key -aes128 -passout pass:x -out locked.key 2>/dev/null

# template "LINES OF export"
template() {
        write_file a.pkr.hcl <<-EOF
		source "file" "web" {
		  source = "d.raw"
		  target = "out/disk.raw"
		}
		build {
		  sources = ["source.file.web"]
		  post-processor "export" {
		    output = "out/web"
		    $1
		  }
		}
	EOF
}
build() { ingot build -color=false -force a.pkr.hcl >out.log 2>&1 || { cat out.log; false; }; }
member() { tar -xOf out/web.ova "web.$1"; }
manifest_holds() {
        rm -rf u && mkdir u && tar -xf out/web.ova -C u &&
                (cd u && sed 's/SHA256(\(.*\))= \(.*\)/\2  \1/' web.mf | sha256sum -c)
}
# refuses "TEXT": validate says so
refuses() {
        test_exit 1 ingot validate a.pkr.hcl >out.log 2>&1
        tr '\n' ' ' <out.log | tr -s ' │' ' ' >flat
        cat out.log && grep -qF -- "$1" flat
}

test_expect_success 'a machine that nobody describes is one that most hypervisors take' '
        template "formats = [\"ova\"]" && build && manifest_holds &&
        [ "$(tar -tf out/web.ova | tr "\n" " ")" = "web.ovf web-disk1.vmdk web.mf " ] &&
        member ovf >ovf && grep -q "<Name>web</Name>" ovf && grep -q ">vmx-13<" ovf &&
        grep -q ">IDE controller<" ovf && grep -q ">VmxNet3<" ovf &&
        grep -q "vmw:osType=\"otherLinux64Guest\"" ovf && grep -q "ovf:capacity=\"5242880\"" ovf &&
        grep -q "vmw:key=\"firmware\" vmw:value=\"bios\"" ovf && qemu-img compare -f raw d.raw u/web-disk1.vmdk'

test_expect_success 'everything that the block ovf can say is in the descriptor' '
        template "formats = [\"ova\"]
                ovf {
                  name = \"Web & co\"
                  cpus = 3
                  memory = 768
                  firmware = \"efi-secure\"
                  guest_os_type = \"ubuntu64Guest\"
                  hardware_version = 20
                  product = \"P\"
                  vendor = \"V\"
                  version = \"1\"
                  full_version = \"1.2\"
                  product_url = \"http://p\"
                  vendor_url = \"http://v\"
                  eula_files = [\"eula.txt\"]
                  annotation = \"Note\"
                  properties = { hostname = \"h\" }
                  disk_controller = \"pvscsi\"
                  nic {
                    model = \"vmxnet3\"
                    network = \"Front\"
                  }
                  nic { network = \"Back\" }
                }" && build && manifest_holds && member ovf >ovf && cat ovf &&
        for text in "<Name>Web &amp; co</Name>" ">3 virtual CPU(s)<" ">768MB of memory<" ">vmx-20<" \
                "\"firmware\" vmw:value=\"efi\"" "efiSecureBootEnabled\" vmw:value=\"true\"" \
                "ovf:id=\"94\" vmw:osType=\"ubuntu64Guest\"" "<Product>P<" "<Vendor>V<" "<Version>1<" \
                "<FullVersion>1.2<" "<ProductUrl>http://p<" "<VendorUrl>http://v<" \
                "<License>You &amp; we: 1 &lt; 2." "<Annotation>Note<" ">VirtualSCSI<" ">VmxNet3<" \
                ">Front<" ">Back<" "ovf:key=\"hostname\" ovf:type=\"string\"" \
                "ovf:transport=\"com.vmware.guestInfo\""; do
                grep -qF -- "$text" ovf || { echo "missing: $text"; return 1; }
        done'

test_expect_success 'a reader of XML finds the parts where the descriptor says' '
        python3 - u/web.ovf <<-\EOF
		import os, sys, xml.etree.ElementTree as E
		O = "{http://schemas.dmtf.org/ovf/envelope/1}"
		R = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
		root = E.parse(sys.argv[1]).getroot()
		assert root.tag == O + "Envelope"
		f = root.find(f"{O}References/{O}File")
		assert os.path.getsize("u/" + f.get(O + "href")) == int(f.get(O + "size"))
		d = root.find(f"{O}DiskSection/{O}Disk")
		assert d.get(O + "fileRef") == f.get(O + "id")
		items = root.findall(f".//{O}Item")
		ids = [i.findtext(R + "InstanceID") for i in items]
		assert len(set(ids)) == len(ids)
		for i in items:
		    names = [c.tag for c in i]
		    assert names == sorted(names), names
		    assert i.findtext(R + "Parent") in [None, *ids]
		disk = [i for i in items if i.findtext(R + "ResourceType") == "17"]
		assert disk[0].findtext(R + "HostResource") == "ovf:/disk/" + d.get(O + "diskId")
		nets = {n.get(O + "name") for n in root.findall(f"{O}NetworkSection/{O}Network")}
		assert nets == {i.findtext(R + "Connection") for i in items} - {None}
	EOF'

for kind in rsa ec; do
        test_expect_success "a signature with a key of the kind $kind" "
                template 'formats = [\"ova\"]
                        ovf {
                          private_key_file = \"$kind.key\"
                          certificate_file = \"$kind.crt\"
                        }' && build && manifest_holds &&
                sed -n '1s/^SHA256(web.mf)= //p' u/web.cert | python3 -c '
import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' >signature &&
                openssl x509 -in u/web.cert -noout -pubkey >public &&
                openssl dgst -sha256 -verify public -signature signature u/web.mf"
done

test_expect_success 'the same content gives the same bytes' '
        template "formats = [\"ova\", \"gce\"]" && build && cp out/web.ova a.ova && cp out/web.tar.gz a.gz &&
        build && cmp a.ova out/web.ova && cmp a.gz out/web.tar.gz'

test_expect_success 'a license that was changed is exported again, nothing else is' '
        template "formats = [\"ova\"]
                ovf { eula_files = [\"eula.txt\"] }" && build &&
        ingot plan a.pkr.hcl >plan && grep -q "export *up-to-date" plan &&
        echo new >eula.txt && ingot plan a.pkr.hcl >plan && cat plan &&
        grep -q "export *run.*eula.txt changed" plan'

test_expect_success 'a legacy template' '
        cat >a.json <<-\EOF &&
		{"builders": [{"type": "file", "source": "d.raw", "target": "out/disk.raw"}],
		 "post-processors": [{"type": "export", "formats": ["ova", "gce"], "output": "out/web",
		   "image": [{"format": "vmdk", "subformat": "streamOptimized", "level": 9}],
		   "ovf": {"cpus": 5, "nic": [{"network": "N"}]}}]}
	EOF
        ingot build -force a.json && member ovf >ovf && grep -q ">5 virtual CPU(s)<" ovf &&
        grep -q ">N<" ovf && qemu-img compare -f raw d.raw out/web.vmdk &&
        tar -xzf out/web.tar.gz && [ "$(stat -c %s disk.raw)" = 1073741824 ] &&
        cmp -n 5242880 d.raw disk.raw'

test_expect_success 'what is wrong is told early' '
        template "formats = [\"qcow2\"]
                ovf { cpus = 1 }" && refuses "block ovf is for the format ova, which is not exported" &&
        template "formats = [\"ova\"]
                ovf { eula_files = [\"none.txt\"] }" &&
        refuses "cannot use the license" && grep -q "none.txt" flat &&
        template "formats = [\"ova\"]
                ovf { private_key_file = \"ec.key\" }" && refuses "certificate_file" &&
        template "formats = [\"ova\"]
                ovf {
                  private_key_file = \"ec.key\"
                  certificate_file = \"rsa.crt\"
                }" && refuses "the certificate is not of this private key" &&
        template "formats = [\"ova\"]
                ovf {
                  private_key_file = \"locked.key\"
                  certificate_file = \"ec.crt\"
                }" && refuses "password protected keys are not supported" &&
        template "formats = [\"ova\"]
                ovf { disk_controller = \"floppy\" }" && refuses "floppy" &&
        template "formats = [\"ova\"]
                ovf { nic { model = \"ne2000\" } }" && refuses "ne2000" &&
        template "image {
                  format = \"gce\"
                  level = 13
                }" && refuses "13"'

test_expect_success 'a key that is gone when it is needed leaves nothing' '
        template "formats = [\"ova\", \"raw\"]
                ovf {
                  private_key_file = \"ec.key\"
                  certificate_file = \"ec.crt\"
                }" && rm -rf out &&
        sed -i "s|sources = .*|&\n  post-processor \"shell-local\" {\n    inline = [\"rm ec.key\"]\n  }|" a.pkr.hcl &&
        test_exit 1 ingot build -color=false a.pkr.hcl >out.log 2>&1; cat out.log;
        grep -q "cannot use the private key" out.log && [ "$(ls out)" = disk.raw ]'

test_done
