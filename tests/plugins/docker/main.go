// SPDX-License-Identifier: Apache-2.0

// The published docker plugin, built from its own packages as a release.
package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/packer-plugin-docker/builder/docker"
	dockerimport "github.com/hashicorp/packer-plugin-docker/post-processor/docker-import"
	dockerpush "github.com/hashicorp/packer-plugin-docker/post-processor/docker-push"
	dockersave "github.com/hashicorp/packer-plugin-docker/post-processor/docker-save"
	dockertag "github.com/hashicorp/packer-plugin-docker/post-processor/docker-tag"
	plugin "github.com/hashicorp/packer-plugin-docker/version"
	sdk "github.com/hashicorp/packer-plugin-sdk/plugin"
	"github.com/hashicorp/packer-plugin-sdk/version"
)

func main() {
	set := sdk.NewSet()
	set.SetVersion(version.NewPluginVersion(plugin.Version, "", ""))
	set.RegisterBuilder(sdk.DEFAULT_NAME, new(docker.Builder))
	set.RegisterPostProcessor("import", new(dockerimport.PostProcessor))
	set.RegisterPostProcessor("push", new(dockerpush.PostProcessor))
	set.RegisterPostProcessor("save", new(dockersave.PostProcessor))
	set.RegisterPostProcessor("tag", new(dockertag.PostProcessor))
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
