// One static program for the cluster's own two images: the pause container of every pod, and a
// small application that the cluster's tests look at.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const usage = `usage: probe pause | serve ADDRESS | lookup NAME | get URL | cat FILE | write FILE TEXT`

func main() {
	if len(os.Args) < 2 {
		fail(usage)
	}
	switch arguments := os.Args[2:]; {
	case os.Args[1] == "pause":
		pause()
	case os.Args[1] == "serve" && len(arguments) == 1:
		serve(arguments[0])
	case os.Args[1] == "lookup" && len(arguments) == 1:
		addresses, err := net.LookupHost(arguments[0])
		check(err)
		sort.Strings(addresses)
		fmt.Println(strings.Join(addresses, " "))
	case os.Args[1] == "get" && len(arguments) == 1:
		get(arguments[0])
	case os.Args[1] == "cat" && len(arguments) == 1:
		text, err := os.ReadFile(arguments[0])
		check(err)
		os.Stdout.Write(text)
	case os.Args[1] == "write" && len(arguments) == 2:
		check(os.WriteFile(arguments[0], []byte(arguments[1]), 0o644))
	default:
		fail(usage)
	}
}

// pause holds a pod's namespaces until it is told to end. It reaps: with a shared process
// namespace it is every orphan's parent.
func pause() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if err != nil || pid <= 0 {
				break
			}
		}
	}
}

// serve answers with its host name; /break makes /healthz and /readyz fail.
func serve(address string) {
	var broken atomic.Bool
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		name, _ := os.Hostname()
		fmt.Fprintln(w, name)
	})
	http.HandleFunc("/break", func(w http.ResponseWriter, _ *http.Request) {
		broken.Store(true)
		fmt.Fprintln(w, "broken")
	})
	health := func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			http.Error(w, "broken", http.StatusInternalServerError)
		}
	}
	http.HandleFunc("/healthz", health)
	http.HandleFunc("/readyz", health)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		fmt.Println("told to end")
		os.Exit(0)
	}()
	fmt.Println("serving on", address)
	check(http.ListenAndServe(address, nil))
}

func get(url string) {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(url)
	check(err)
	defer answer.Body.Close()
	io.Copy(os.Stdout, answer.Body)
	if answer.StatusCode != http.StatusOK {
		fail(answer.Status)
	}
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "probe:", text)
	os.Exit(1)
}
