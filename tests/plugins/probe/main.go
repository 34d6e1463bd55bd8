// SPDX-License-Identifier: Apache-2.0

// A plugin whose only purpose is to be driven by tests. It stands on the public
// SDK, in two generations: go.mod is the current one, sdk05.mod the last that
// speaks gob only. What it is told to do it does, and what comes in it prints,
// so a test sees both ends of every call.
package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/packer-plugin-sdk/plugin"
	"github.com/hashicorp/packer-plugin-sdk/version"
)

const pluginVersion = "1.0.0"

func main() {
	set := plugin.NewSet()
	set.SetVersion(version.InitializePluginVersion(pluginVersion, ""))
	set.RegisterBuilder(plugin.DEFAULT_NAME, new(builder))
	set.RegisterBuilder("bare", new(bareBuilder))
	set.RegisterProvisioner("provisioner", new(provisioner))
	set.RegisterPostProcessor("postproc", new(postProcessor))
	set.RegisterDatasource("data", new(datasource))
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
