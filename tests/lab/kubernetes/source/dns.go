package main

import (
	"fmt"
	"os"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/template"
)

// serveDNS is CoreDNS with the few plugins that a cluster without an outside needs: dns COREFILE.
func serveDNS() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dns COREFILE")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		var server *caddy.Instance
		caddy.Quiet = true
		server, err = caddy.Start(caddy.CaddyfileInput{
			Contents: text, Filepath: os.Args[1], ServerTypeName: "dns",
		})
		if err == nil {
			fmt.Println("dns: serving")
			server.Wait()
			return
		}
	}
	fmt.Fprintln(os.Stderr, "dns:", err)
	os.Exit(1)
}
